// The two-tower baseline as a policy.
#pragma once

#include "recsys/item_order.h"
#include "recsys/policy.h"
#include "recsys/two_tower.h"

namespace serendip {

// Calls also throw Error for an empty history.
class TwoTowerPolicy final : public Policy {
 public:
  // `model` on the CPU, its items in the tree's order. The tree must outlive the policy.
  TwoTowerPolicy(const ClusterTree& tree, TwoTowerModel model);
  std::vector<Recommendation> recommend(const PolicyRequest& request) const override;
  std::vector<float> scores(const PolicyRequest& request) const override;

 private:
  const ClusterTree& tree_;
  ItemOrder order_;
  mutable TwoTowerModel model_;  // Torch's modules are not const-correct; only read
  at::Tensor item_vectors_;      // [N, d] in the order of the items' positions
};

}  // namespace serendip
