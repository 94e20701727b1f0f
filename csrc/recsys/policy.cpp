#include "recsys/policy.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace serendip {

std::vector<std::vector<float>> Policy::batch_scores(const std::vector<History>& histories) const {
  std::vector<std::vector<float>> result;
  for (const History& history : histories) result.push_back(scores({history}));
  return result;
}

void check_request(const PolicyRequest& request, int64_t item_count, int64_t cluster_count) {
  SERENDIP_CHECK(request.k >= 1, "recommend: k: expected at least 1, got {}", request.k);
  for (const int32_t item : request.history.item)
    SERENDIP_CHECK(item >= 0 && item < item_count,
                   "recommend: item in the history: expected 0 to {}, got {}", item_count - 1,
                   item);
  for (const int32_t cluster : request.clusters)
    SERENDIP_CHECK(cluster >= 0 && cluster < cluster_count,
                   "recommend: cluster: expected 0 to {} at level {}, got {}", cluster_count - 1,
                   request.level, cluster);
}

std::vector<bool> allowed_items(const PolicyRequest& request, const ClusterTree& tree) {
  SERENDIP_CHECK(request.level >= 1 && request.level <= kTreeLevels,
                 "recommend: level: expected 1 to {}, got {}", kTreeLevels, request.level);
  const TreeLevel& level = tree.level(request.level);
  check_request(request, static_cast<int64_t>(level.assignment.size()), level.cluster_count());
  std::vector<bool> wanted(static_cast<size_t>(level.cluster_count()), request.clusters.empty());
  for (const int32_t cluster : request.clusters) wanted[static_cast<size_t>(cluster)] = true;
  std::vector<bool> allowed;
  for (const int32_t cluster : level.assignment)
    allowed.push_back(wanted[static_cast<size_t>(cluster)]);
  return allowed;
}

std::vector<Recommendation> best_items(const std::vector<float>& scores,
                                       const PolicyRequest& request, const ClusterTree& tree) {
  std::vector<bool> allowed = allowed_items(request, tree);
  float highest = -INFINITY;
  for (size_t item = 0; item < scores.size(); ++item)
    if (allowed[item]) highest = std::max(highest, scores[item]);
  double sum = 0.0;
  for (size_t item = 0; item < scores.size(); ++item)
    if (allowed[item]) sum += std::exp(static_cast<double>(scores[item] - highest));
  const double log_z = highest + std::log(sum);

  if (request.exclude_seen)
    for (const int32_t item : request.history.item) allowed[static_cast<size_t>(item)] = false;
  std::vector<Recommendation> result;
  for (size_t item = 0; item < scores.size(); ++item)
    if (allowed[item]) result.push_back({static_cast<int32_t>(item), scores[item] - log_z});
  const auto kept = std::min<int64_t>(request.k, static_cast<int64_t>(result.size()));
  std::partial_sort(result.begin(), result.begin() + kept, result.end(),
                    [](const Recommendation& left, const Recommendation& right) {
                      return left.log_prob > right.log_prob ||
                             (left.log_prob == right.log_prob && left.item < right.item);
                    });
  result.resize(static_cast<size_t>(kept));
  return result;
}

}  // namespace serendip
