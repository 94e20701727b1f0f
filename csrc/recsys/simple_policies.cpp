#include "recsys/simple_policies.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace serendip {

PopularityPolicy::PopularityPolicy(const ClusterTree& tree, const std::vector<int64_t>& count)
    : tree_(tree) {
  SERENDIP_CHECK(count.size() == tree.planning().assignment.size(),
                 "popularity: expected a count of each of {} items, got {}",
                 tree.planning().assignment.size(), count.size());
  for (const int64_t events : count)
    log_count_.push_back(static_cast<float>(std::log1p(static_cast<double>(events))));
}

std::vector<float> PopularityPolicy::scores(const PolicyRequest&) const { return log_count_; }

std::vector<Recommendation> PopularityPolicy::recommend(const PolicyRequest& request) const {
  return best_items(log_count_, request, tree_);
}

std::vector<float> RandomPolicy::scores(const PolicyRequest& request) const {
  Random random(seed_, history_key(request.history));
  std::vector<float> result(tree_.planning().assignment.size());
  for (float& score : result) score = static_cast<float>(random.uniform());
  return result;
}

std::vector<Recommendation> RandomPolicy::recommend(const PolicyRequest& request) const {
  const std::vector<bool> allowed = allowed_items(request, tree_);
  const auto count = std::count(allowed.begin(), allowed.end(), true);
  std::vector<Recommendation> result = best_items(scores(request), request, tree_);
  for (Recommendation& entry : result) entry.log_prob = -std::log(static_cast<double>(count));
  return result;
}

}  // namespace serendip
