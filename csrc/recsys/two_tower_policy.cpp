#include "recsys/two_tower_policy.h"

#include <torch/utils.h>

#include "base/check.h"
#include "recsys/model_folder.h"

namespace serendip {

void save_two_tower(const std::filesystem::path& folder, const TwoTowerModel& model,
                    const ItemOrder& order) {
  save_model_folder(
      folder, kTwoTowerModelType,
      {{"dimensions", model->config.dimensions}, {"max_length", model->config.max_length}},
      parameters_of(*model), order);
}

TwoTowerModel load_two_tower(const std::filesystem::path& folder, const ItemOrder& order) {
  const ModelFolder saved(folder, kTwoTowerModelType, order);
  TwoTowerModel model(
      two_tower_config(order, saved.whole("dimensions", 1), saved.whole("max_length", 1)),
      /*seed=*/0);
  saved.read_parameters(*model);
  return model;
}

TwoTowerPolicy::TwoTowerPolicy(const ClusterTree& tree, TwoTowerModel model)
    : tree_(tree), order_(make_item_order(tree)), model_(std::move(model)) {
  SERENDIP_CHECK(model_->item_embedding.size(0) == order_.size(),
                 "two-tower model: expected the tree's {} items, got {}", order_.size(),
                 model_->item_embedding.size(0));
  torch::NoGradGuard no_gradients;
  item_vectors_ = model_->all_items();
}

std::vector<std::vector<float>> TwoTowerPolicy::batch_scores(
    const std::vector<History>& histories) const {
  std::vector<History> read;
  for (const History& history : histories) {
    allowed_items({history}, tree_);
    read.push_back(history);
    for (int32_t& item : read.back().item) item = order_.position[static_cast<size_t>(item)];
  }
  torch::NoGradGuard no_gradients;
  const at::Tensor scores = model_->user(read).matmul(item_vectors_.t()).contiguous();
  std::vector<std::vector<float>> result;
  for (int64_t row = 0; row < scores.size(0); ++row)
    result.push_back(by_item(order_, scores[row].const_data_ptr<float>()));
  return result;
}

std::vector<float> TwoTowerPolicy::scores(const PolicyRequest& request) const {
  allowed_items(request, tree_);
  return std::move(batch_scores({request.history}).front());
}

std::vector<Recommendation> TwoTowerPolicy::recommend(const PolicyRequest& request) const {
  return best_items(scores(request), request, tree_);
}

}  // namespace serendip
