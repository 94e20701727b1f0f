// The item policy: a causal transformer over a user's last items, whose output is scored against
// the same item embeddings that it reads.
#pragma once

#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "recsys/dropout.h"
#include "recsys/history.h"

namespace serendip {

struct SequenceModelConfig {
  int64_t items = 0;        // N
  int64_t dimensions = 64;  // d
  int64_t layers = 2;
  int64_t heads = 2;          // H, divides d
  int64_t max_length = 50;    // T, items read at most
  int64_t max_distance = 16;  // D, beyond which places look equally far
  bool time_gaps = false;     // an input has the time since the event before it
  bool rewards = false;       // and its reward
  bool behaviour_head = false;
};

// What the model reads, each [B, T].
struct SequenceInput {
  at::Tensor item, segment;  // i64
  at::Tensor time_gap = {};  // i64, time_gap_bucket(); read with config.time_gaps
  at::Tensor reward = {};    // float, compressed_reward(); read with config.rewards
};

// One block, each half of it normalised after the residual (post-norm): with two blocks it ranks
// better than with norms before each half.
struct SequenceLayerImpl : torch::nn::Module {
  explicit SequenceLayerImpl(const SequenceModelConfig& config);
  // states [B, T, d] -> [B, T, d]; selector and bias as for relative_attention.
  at::Tensor forward(at::Tensor states, const at::Tensor& selector, const at::Tensor& bias,
                     Dropout& dropout);

  int64_t heads;
  torch::nn::Linear query_key_value{nullptr}, attention_out{nullptr};
  torch::nn::Linear feed_in{nullptr}, feed_out{nullptr};
  torch::nn::LayerNorm attention_out_norm{nullptr}, feed_out_norm{nullptr};
  at::Tensor key_distance, value_distance;  // [D + 1, d / H]
};
TORCH_MODULE(SequenceLayer);

struct SequenceModelImpl : torch::nn::Module {
  // Weights drawn from `seed` alone; without one nobody has set them.
  SequenceModelImpl(const SequenceModelConfig& config, std::optional<uint64_t> seed);

  // The state after each place, [B, T, d]. A place sees the earlier places of its own segment only,
  // so a row may hold several users, or padding as one more segment.
  at::Tensor forward(const SequenceInput& input, Dropout& dropout);
  // The states [B, d] after the last item of each history (at least one item each; only the last
  // max_length count), whose items are embedding rows. Without gradients or dropout. Throws Error
  // for times or rewards that the model reads and a history lacks. A row is padded to the longest
  // history, and at least to `least_length` items.
  at::Tensor last_state(const std::vector<History>& histories, int64_t least_length = 1);

  // Rows of item_embedding, [..., d], for positions i64 [...].
  at::Tensor item_vectors(const at::Tensor& items) const;

  SequenceModelConfig config;
  bool sparse_gradients = false;   // of item_vectors(): they name only the rows that were asked for
  at::Tensor item_embedding;       // [N, d]
  at::Tensor time_gap_embedding;   // [kTimeGapBuckets, d] or undefined
  at::Tensor reward_embedding;     // [1, d], times the reward, or undefined
  at::Tensor behaviour_embedding;  // [N, d] or undefined: beta = softmax over items of its scores
                                   // with the state, through which no gradient flows
  torch::nn::LayerNorm embedding_norm{nullptr};
  std::vector<SequenceLayer> layers;
};
TORCH_MODULE(SequenceModel);

}  // namespace serendip
