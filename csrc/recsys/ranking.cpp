#include "recsys/ranking.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace serendip {

int64_t rank_of(const float* scores, int64_t count, int64_t target,
                const std::vector<int32_t>& seen) {
  const float score = scores[target];
  SERENDIP_CHECK(std::isfinite(score), "ranking: item {}: expected a finite score, got {}", target,
                 score);
  const auto before = [&](int64_t item) {
    return scores[item] > score || (scores[item] == score && item < target);
  };
  int64_t rank = 0;
  for (int64_t item = 0; item < count; ++item) rank += before(item);
  std::vector<int32_t> distinct = seen;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  return rank - std::count_if(distinct.begin(), distinct.end(), before);
}

double discounted_gain(int64_t rank, int64_t k) {
  return rank < k ? 1.0 / std::log2(static_cast<double>(rank) + 2.0) : 0.0;
}

double ndcg_at(const std::vector<int64_t>& ranks, int64_t k) {
  double sum = 0.0;
  for (const int64_t rank : ranks) sum += discounted_gain(rank, k);
  return ranks.empty() ? 0.0 : sum / static_cast<double>(ranks.size());
}

double mean_reciprocal_rank(const std::vector<int64_t>& ranks) {
  double sum = 0.0;
  for (const int64_t rank : ranks) sum += 1.0 / (static_cast<double>(rank) + 1.0);
  return ranks.empty() ? 0.0 : sum / static_cast<double>(ranks.size());
}

double hit_rate_at(const std::vector<int64_t>& ranks, int64_t k) {
  const auto hits =
      std::count_if(ranks.begin(), ranks.end(), [&](int64_t rank) { return rank < k; });
  return ranks.empty() ? 0.0 : static_cast<double>(hits) / static_cast<double>(ranks.size());
}

nlohmann::json ranking_metrics(const std::vector<int64_t>& ranks) {
  nlohmann::json metrics = {{"users", ranks.size()}, {"mrr", mean_reciprocal_rank(ranks)}};
  for (const int64_t k : {5, 10, 20}) {
    metrics[fmt::format("hr_at_{}", k)] = hit_rate_at(ranks, k);
    metrics[fmt::format("ndcg_at_{}", k)] = ndcg_at(ranks, k);
  }
  return metrics;
}

}  // namespace serendip
