#include "recsys/two_tower.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "recsys/initial_weights.h"
#include "recsys/losses.h"

namespace serendip {
namespace {

constexpr int64_t kHiddenFactor = 2;

}  // namespace

TwoTowerConfig two_tower_config(const ItemOrder& order, int64_t dimensions, int64_t max_length) {
  const auto clusters = static_cast<int64_t>(order.level(kPlanningLevel).place.size());
  return {clusters_of_positions(order), clusters, dimensions, max_length};
}

TwoTowerModelImpl::TwoTowerModelImpl(const TwoTowerConfig& model_config, uint64_t seed)
    : config(model_config), item_cluster(torch::tensor(model_config.item_cluster, at::kLong)) {
  const int64_t dimensions = config.dimensions, hidden = kHiddenFactor * dimensions;
  const auto items = static_cast<int64_t>(config.item_cluster.size());
  item_embedding = register_parameter("item_embedding", at::zeros({items, dimensions}));
  cluster_embedding =
      register_parameter("cluster_embedding", at::zeros({config.clusters, dimensions}));
  user_in = register_module("user_in", torch::nn::Linear(dimensions, hidden));
  user_out = register_module("user_out", torch::nn::Linear(hidden, dimensions));
  item_in = register_module("item_in", torch::nn::Linear(dimensions, hidden));
  item_out = register_module("item_out", torch::nn::Linear(hidden, dimensions));
  draw_weights(*this, seed, [](const at::Tensor& matrix) {
    return 1.0 / std::sqrt(static_cast<double>(matrix.size(1)));
  });
}

at::Tensor TwoTowerModelImpl::features(const at::Tensor& items) const {
  const at::Tensor clusters = item_cluster.to(items.device()).index_select(0, items);
  return at::embedding(item_embedding, items, /*padding_idx=*/-1, /*scale_grad_by_freq=*/false,
                       sparse_gradients) +
         at::embedding(cluster_embedding, clusters);
}

at::Tensor TwoTowerModelImpl::user(const std::vector<History>& histories) {
  std::vector<int64_t> items, row;
  std::vector<double> share;
  for (size_t at = 0; at < histories.size(); ++at) {
    const std::vector<int32_t>& all = histories[at].item;
    SERENDIP_CHECK(!all.empty(), "two-tower model: expected a history of at least 1 item, got 0");
    const auto count = std::min(config.max_length, static_cast<int64_t>(all.size()));
    items.insert(items.end(), all.end() - count, all.end());
    row.insert(row.end(), static_cast<size_t>(count), static_cast<int64_t>(at));
    share.insert(share.end(), static_cast<size_t>(count), 1.0 / static_cast<double>(count));
  }
  const at::TensorOptions options = item_embedding.options().requires_grad(false);
  const at::Device device = item_embedding.device();
  const at::Tensor rows = torch::tensor(row, at::kLong).to(device);
  const at::Tensor weights = torch::tensor(share, at::kDouble).to(options).unsqueeze(1);
  const at::Tensor mean =
      at::zeros({static_cast<int64_t>(histories.size()), config.dimensions}, options)
          .index_add(0, rows, weights * features(torch::tensor(items, at::kLong).to(device)));
  return user_out(user_in(mean).relu());
}

at::Tensor TwoTowerModelImpl::item(const at::Tensor& items) {
  return item_out(item_in(features(items)).relu());
}

at::Tensor TwoTowerModelImpl::all_items() {
  return item(at::arange(item_embedding.size(0),
                         at::TensorOptions(at::kLong).device(item_embedding.device())));
}

at::Tensor mixed_negative_loss(TwoTowerModel& model, const std::vector<History>& histories,
                               const at::Tensor& target, const at::Tensor& uniform,
                               const at::Tensor& unigram) {
  const auto batch = static_cast<double>(target.size(0));
  const auto drawn = static_cast<double>(uniform.size(0));
  const auto items = static_cast<double>(unigram.size(0));
  const at::Tensor candidates = at::cat({target, uniform});
  const at::Tensor vectors = model->item(candidates);
  return sampled_softmax_loss(model->user(histories), vectors.narrow(0, 0, target.size(0)), target,
                              {candidates, vectors, (batch * unigram + drawn / items).log()})
      .mean();
}

}  // namespace serendip
