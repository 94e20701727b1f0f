#include "recsys/two_tower_policy.h"

#include "base/check.h"

namespace serendip {

TwoTowerPolicy::TwoTowerPolicy(const ClusterTree& tree, TwoTowerModel model)
    : tree_(tree), order_(make_item_order(tree)), model_(std::move(model)) {
  SERENDIP_CHECK(model_->item_embedding.size(0) == order_.size(),
                 "two-tower model: expected the tree's {} items, got {}", order_.size(),
                 model_->item_embedding.size(0));
  torch::NoGradGuard no_gradients;
  item_vectors_ = model_->item(at::arange(order_.size(), at::kLong));
}

std::vector<float> TwoTowerPolicy::scores(const PolicyRequest& request) const {
  allowed_items(request, tree_);
  torch::NoGradGuard no_gradients;
  History history = request.history;
  for (int32_t& item : history.item) item = order_.position[static_cast<size_t>(item)];
  const at::Tensor scores = item_vectors_.matmul(model_->user({history}).t()).contiguous();
  std::vector<float> result(static_cast<size_t>(order_.size()));
  for (size_t position = 0; position < result.size(); ++position)
    result[static_cast<size_t>(order_.item[position])] = scores.const_data_ptr<float>()[position];
  return result;
}

std::vector<Recommendation> TwoTowerPolicy::recommend(const PolicyRequest& request) const {
  return best_items(scores(request), request, tree_);
}

}  // namespace serendip
