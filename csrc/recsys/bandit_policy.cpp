#include "recsys/bandit_policy.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace serendip {
namespace {

std::vector<std::vector<int32_t>> parents_of(const ClusterTree& tree) {
  std::vector<std::vector<int32_t>> parents;
  for (int level = 1; level <= kPlanningLevel; ++level) parents.push_back(tree.level(level).parent);
  return parents;
}

}  // namespace

BanditPolicy::BanditPolicy(const ClusterTree& tree, const Recommender& recommender,
                           const BanditOptions& options, uint64_t seed)
    : tree_(tree),
      recommender_(recommender),
      bandit_(parents_of(tree), recommender.dimensions(), options),
      seed_(seed) {}

std::vector<double> BanditPolicy::context_of(const History& history) const {
  const std::vector<float> state = recommender_.state(history);
  double square = 0.0;
  for (const float value : state) square += static_cast<double>(value) * value;
  std::vector<double> context;
  for (const float value : state) context.push_back(value / std::sqrt(std::max(square, 1e-30)));
  return context;
}

void BanditPolicy::learn(const History& history, int32_t item, double reward) {
  const std::vector<int32_t>& cluster = tree_.planning().assignment;
  SERENDIP_CHECK(item >= 0 && static_cast<size_t>(item) < cluster.size(),
                 "cluster bandit: item: expected 0 to {}, got {}", cluster.size() - 1, item);
  bandit_.update(context_of(history), cluster[static_cast<size_t>(item)], reward);
}

int32_t BanditPolicy::pick(const History& history) const {
  Random random(seed_, history_key(history));
  return bandit_.select(context_of(history), random);
}

std::vector<Recommendation> BanditPolicy::recommend(const PolicyRequest& request) const {
  if (!request.clusters.empty()) return recommender_.recommend(request);
  PolicyRequest restricted = request;
  restricted.clusters = {pick(request.history)};
  restricted.level = kPlanningLevel;
  return recommender_.recommend(restricted);
}

std::vector<float> BanditPolicy::scores(const PolicyRequest& request) const {
  return recommender_.scores(request);
}

}  // namespace serendip
