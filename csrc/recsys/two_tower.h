// The two-tower baseline: one network for the user's history, one for items, matched by inner
// product, without an order in the history.
#pragma once

#include <torch/nn/modules/linear.h>

#include <cstdint>
#include <vector>

#include "recsys/history.h"
#include "recsys/item_order.h"

namespace serendip {

struct TwoTowerConfig {
  std::vector<int32_t> item_cluster;  // [N] cluster of each item
  int64_t clusters = 0;               // M
  int64_t dimensions = 64;            // d
  int64_t max_length = 50;            // most recent items read
};

// Of the order's items and planning clusters.
TwoTowerConfig two_tower_config(const ItemOrder& order, int64_t dimensions, int64_t max_length);

struct TwoTowerModelImpl : torch::nn::Module {
  // Weights drawn from `seed` alone.
  TwoTowerModelImpl(const TwoTowerConfig& config, uint64_t seed);

  // [B, d]: two layers over the mean of the last items' embeddings; at least one item each.
  at::Tensor user(const std::vector<History>& histories);
  // [n, d]: two layers over the embeddings of items i64 [n].
  at::Tensor item(const at::Tensor& items);
  at::Tensor all_items();  // [N, d]

  TwoTowerConfig config;
  bool sparse_gradients = false;  // of item_embedding: they name only the rows that were read
  at::Tensor item_cluster;        // i64 [N]
  at::Tensor item_embedding, cluster_embedding;  // [N, d], [M, d], their sum read by both towers
  torch::nn::Linear user_in{nullptr}, user_out{nullptr}, item_in{nullptr}, item_out{nullptr};

 private:
  at::Tensor features(const at::Tensor& items) const;
};
TORCH_MODULE(TwoTowerModel);

// Mixed negative sampling (Yang et al. 2020): softmax of each target among the targets of the whole
// batch and the `uniform` items, every score lowered by the log of the item's expected count under
// the mixture, B unigram(i) + S / N.
//   target i64 [B], uniform i64 [S], unigram [N] share of each item among the training targets
at::Tensor mixed_negative_loss(TwoTowerModel& model, const std::vector<History>& histories,
                               const at::Tensor& target, const at::Tensor& uniform,
                               const at::Tensor& unigram);

}  // namespace serendip
