#include "recsys/negative_sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"

namespace serendip {

NegativeSampler::NegativeSampler(const std::vector<double>& weight) {
  double sum = 0.0;
  for (size_t item = 0; item < weight.size(); ++item) {
    SERENDIP_CHECK(weight[item] >= 0.0 && std::isfinite(weight[item]),
                   "negative sampler: item {}: expected a weight of at least 0, got {}", item,
                   weight[item]);
    cumulative_.push_back(sum += weight[item]);
  }
  SERENDIP_CHECK(sum > 0.0, "negative sampler: expected a positive weight among {} items, got none",
                 weight.size());
}

int64_t NegativeSampler::draw(Random& random) const {
  const double point = random.uniform() * cumulative_.back();
  // The first item whose sum exceeds the point: one of weight zero never does.
  const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end(), point);
  return std::min<int64_t>(found - cumulative_.begin(),
                           static_cast<int64_t>(cumulative_.size()) - 1);
}

std::vector<int64_t> NegativeSampler::draw(Random& random, int64_t count) const {
  std::vector<int64_t> items(static_cast<size_t>(count));
  for (int64_t& item : items) item = draw(random);
  return items;
}

std::vector<double> NegativeSampler::probability() const {
  std::vector<double> result;
  double before = 0.0;
  for (const double sum : cumulative_) {
    result.push_back((sum - before) / cumulative_.back());
    before = sum;
  }
  return result;
}

std::vector<double> log_uniform_probability(const std::vector<int64_t>& count) {
  std::vector<size_t> order(count.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t left, size_t right) { return count[left] > count[right]; });
  std::vector<double> probability(count.size());
  const double normaliser = std::log(static_cast<double>(count.size()) + 1.0);
  for (size_t rank = 0; rank < order.size(); ++rank)
    probability[order[rank]] = std::log1p(1.0 / static_cast<double>(rank + 1)) / normaliser;
  return probability;
}

}  // namespace serendip
