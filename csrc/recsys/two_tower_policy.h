// The two-tower baseline as a policy.
#pragma once

#include <filesystem>

#include "recsys/item_order.h"
#include "recsys/policy.h"
#include "recsys/two_tower.h"

namespace serendip {

constexpr const char* kTwoTowerModelType = "serendip_two_tower";

// `model` on the CPU, its items in `order`.
void save_two_tower(const std::filesystem::path& folder, const TwoTowerModel& model,
                    const ItemOrder& order);
// Throws Error as ModelFolder does.
TwoTowerModel load_two_tower(const std::filesystem::path& folder, const ItemOrder& order);

// Calls also throw Error for an empty history.
class TwoTowerPolicy final : public Policy {
 public:
  // `model` on the CPU, its items in the tree's order. The tree must outlive the policy.
  TwoTowerPolicy(const ClusterTree& tree, TwoTowerModel model);
  std::vector<Recommendation> recommend(const PolicyRequest& request) const override;
  std::vector<float> scores(const PolicyRequest& request) const override;
  std::vector<std::vector<float>> batch_scores(
      const std::vector<History>& histories) const override;

 private:
  const ClusterTree& tree_;
  ItemOrder order_;
  mutable TwoTowerModel model_;  // Torch's modules are not const-correct; only read
  at::Tensor item_vectors_;      // [N, d] in the order of the items' positions
};

}  // namespace serendip
