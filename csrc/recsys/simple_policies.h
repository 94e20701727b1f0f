// Popularity and chance: what any other policy is to beat.
#pragma once

#include <cstdint>
#include <vector>

#include "recsys/policy.h"

namespace serendip {

// Items in proportion to 1 + their number of events.
class PopularityPolicy final : public Policy {
 public:
  // count [N], of training events alone. The tree must outlive the policy.
  PopularityPolicy(const ClusterTree& tree, const std::vector<int64_t>& count);
  std::vector<Recommendation> recommend(const PolicyRequest& request) const override;
  std::vector<float> scores(const PolicyRequest& request) const override;

 private:
  const ClusterTree& tree_;
  std::vector<float> log_count_;
};

// All items alike, drawn without replacement; the same draw for the same seed and history.
class RandomPolicy final : public Policy {
 public:
  // The tree must outlive the policy.
  RandomPolicy(const ClusterTree& tree, uint64_t seed) : tree_(tree), seed_(seed) {}
  std::vector<Recommendation> recommend(const PolicyRequest& request) const override;
  std::vector<float> scores(const PolicyRequest& request) const override;

 private:
  const ClusterTree& tree_;
  uint64_t seed_;
};

}  // namespace serendip
