#include "simulator/catalogue.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "simulator/draws.h"

namespace serendip {
namespace {

constexpr double kQualitySpread = 0.5, kPopularitySpread = 0.5;

// [T] that sum to `items`, each at least 1: one a topic, the others in proportion to √popularity by
// rounding the running sum.
std::vector<int64_t> items_by_topic(const std::vector<double>& popularity, int64_t items) {
  const auto topics = static_cast<int64_t>(popularity.size());
  double total = 0, sum = 0;
  for (const double value : popularity) total += std::sqrt(value);
  std::vector<int64_t> count;
  int64_t given = 0;
  for (const double value : popularity) {
    sum += std::sqrt(value);
    const int64_t due = std::llround(static_cast<double>(items - topics) * sum / total);
    count.push_back(1 + due - given);
    given = due;
  }
  return count;
}

}  // namespace

Catalogue::Catalogue(const std::vector<double>& popularity, int64_t items, int64_t seed) {
  SERENDIP_CHECK(items >= static_cast<int64_t>(popularity.size()),
                 "world.items = {}: expected at least {}, one a topic", items, popularity.size());
  offset_.push_back(0);
  topic_.reserve(static_cast<size_t>(items));
  for (const int64_t count : items_by_topic(popularity, items)) {
    topic_.insert(topic_.end(), static_cast<size_t>(count),
                  static_cast<int32_t>(offset_.size() - 1));
    offset_.push_back(static_cast<int64_t>(topic_.size()));
  }
  draw(seed, Draw::kItemTopic).shuffle(topic_);

  quality_.resize(topic_.size());
  std::vector<float> appeal(topic_.size());
#pragma omp parallel for
  for (int64_t item = 0; item < items; ++item) {
    Random random = draw(seed, Draw::kItemQuality, item);
    const double quality = kQualitySpread * random.normal();
    quality_[static_cast<size_t>(item)] = static_cast<float>(quality);
    appeal[static_cast<size_t>(item)] =
        static_cast<float>(quality + kPopularitySpread * random.normal());
  }
  by_popularity_.resize(topic_.size());
  std::iota(by_popularity_.begin(), by_popularity_.end(), 0);
  std::sort(by_popularity_.begin(), by_popularity_.end(), [&](int32_t a, int32_t b) {
    const auto i = static_cast<size_t>(a), j = static_cast<size_t>(b);
    if (topic_[i] != topic_[j]) return topic_[i] < topic_[j];
    return appeal[i] != appeal[j] ? appeal[i] > appeal[j] : a < b;
  });
}

std::span<const int32_t> Catalogue::items_of(int32_t topic) const {
  const auto t = static_cast<size_t>(topic);
  return std::span(by_popularity_)
      .subspan(static_cast<size_t>(offset_[t]), static_cast<size_t>(offset_[t + 1] - offset_[t]));
}

int32_t Catalogue::draw_item(int32_t topic, Random& random) const {
  const std::span<const int32_t> items = items_of(topic);
  const double count = static_cast<double>(items.size());
  const auto rank = static_cast<size_t>(std::exp(random.uniform() * std::log1p(count)) - 1);
  return items[std::min(rank, items.size() - 1)];
}

}  // namespace serendip
