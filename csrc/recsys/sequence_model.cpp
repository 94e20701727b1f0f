#include "recsys/sequence_model.h"

#include <torch/utils.h>

#include <algorithm>

#include "base/check.h"
#include "recsys/event_features.h"
#include "recsys/initial_weights.h"
#include "recsys/relative_attention.h"

namespace serendip {
namespace {

constexpr double kInitialDeviation = 0.02;
constexpr int64_t kFeedForwardFactor = 4;

torch::nn::LayerNorm make_norm(int64_t dimensions) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({dimensions}));
}

}  // namespace

SequenceLayerImpl::SequenceLayerImpl(const SequenceModelConfig& config) : heads(config.heads) {
  const int64_t dimensions = config.dimensions, hidden = kFeedForwardFactor * dimensions;
  query_key_value =
      register_module("query_key_value", torch::nn::Linear(dimensions, 3 * dimensions));
  attention_out = register_module("attention_out", torch::nn::Linear(dimensions, dimensions));
  attention_out_norm = register_module("attention_out_norm", make_norm(dimensions));
  feed_in = register_module("feed_in", torch::nn::Linear(dimensions, hidden));
  feed_out = register_module("feed_out", torch::nn::Linear(hidden, dimensions));
  feed_out_norm = register_module("feed_out_norm", make_norm(dimensions));
  const std::vector<int64_t> table{config.max_distance + 1, dimensions / heads};
  key_distance = register_parameter("key_distance", at::zeros(table));
  value_distance = register_parameter("value_distance", at::zeros(table));
}

at::Tensor SequenceLayerImpl::forward(at::Tensor states, const at::Tensor& selector,
                                      const at::Tensor& bias, Dropout& dropout) {
  const int64_t batch = states.size(0), length = states.size(1), dimensions = states.size(2);
  // [B, T, 3d] -> [3, B, H, T, d / H]
  const at::Tensor projected = query_key_value(states)
                                   .view({batch, length, 3, heads, dimensions / heads})
                                   .permute({2, 0, 3, 1, 4});
  const at::Tensor attended =
      relative_attention(projected[0], projected[1], projected[2], key_distance, value_distance,
                         selector, bias, dropout)
          .transpose(1, 2)
          .reshape({batch, length, dimensions});
  states = attention_out_norm(states + dropout(attention_out(attended)));
  return feed_out_norm(states + dropout(feed_out(feed_in(states).relu())));
}

SequenceModelImpl::SequenceModelImpl(const SequenceModelConfig& model_config,
                                     std::optional<uint64_t> seed)
    : config(model_config) {
  SERENDIP_CHECK(config.items >= 1, "sequence model: items: expected at least 1, got {}",
                 config.items);
  SERENDIP_CHECK(config.heads >= 1 && config.dimensions % config.heads == 0,
                 "sequence model: heads: expected a divisor of {} dimensions, got {}",
                 config.dimensions, config.heads);
  item_embedding =
      register_parameter("item_embedding", at::zeros({config.items, config.dimensions}));
  if (config.time_gaps)
    time_gap_embedding =
        register_parameter("time_gap_embedding", at::zeros({kTimeGapBuckets, config.dimensions}));
  if (config.rewards)
    reward_embedding = register_parameter("reward_embedding", at::zeros({1, config.dimensions}));
  if (config.behaviour_head)
    behaviour_embedding =
        register_parameter("behaviour_embedding", at::zeros({config.items, config.dimensions}));
  embedding_norm = register_module("embedding_norm", make_norm(config.dimensions));
  for (int64_t layer = 0; layer < config.layers; ++layer)
    layers.push_back(register_module("layer_" + std::to_string(layer), SequenceLayer(config)));
  if (seed) draw_weights(*this, *seed, [](const at::Tensor&) { return kInitialDeviation; });
}

at::Tensor SequenceModelImpl::item_vectors(const at::Tensor& items) const {
  return at::embedding(item_embedding, items, /*padding_idx=*/-1, /*scale_grad_by_freq=*/false,
                       sparse_gradients);
}

at::Tensor SequenceModelImpl::forward(const SequenceInput& input, Dropout& dropout) {
  const at::TensorOptions options = item_embedding.options().requires_grad(false);
  const at::Tensor selector = distance_selector(input.item.size(1), config.max_distance, options);
  const at::Tensor bias = causal_bias(input.segment, options);
  at::Tensor inputs = item_vectors(input.item);
  if (config.time_gaps) inputs = inputs + at::embedding(time_gap_embedding, input.time_gap);
  if (config.rewards)
    inputs = inputs + input.reward.to(options).unsqueeze(2).matmul(reward_embedding);
  at::Tensor states = dropout(embedding_norm(inputs));
  for (SequenceLayer& layer : layers) states = layer(states, selector, bias, dropout);
  return states;
}

namespace {

void check_history(const SequenceModelConfig& config, const History& history) {
  const size_t items = history.item.size();
  SERENDIP_CHECK(items > 0, "sequence model: expected a history of at least 1 item, got 0");
  SERENDIP_CHECK(!config.time_gaps || history.time.size() == items,
                 "sequence model: expected the times of a history's {} items, got {}", items,
                 history.time.size());
  SERENDIP_CHECK(!config.rewards || history.reward.size() == items,
                 "sequence model: expected the rewards of a history's {} items, got {}", items,
                 history.reward.size());
}

// The last places of a row [T] from the history's last events; the first ones stay padding.
void fill_row(const SequenceModelConfig& config, const History& history, int64_t row,
              SequenceInput& input) {
  const int64_t length = input.item.size(1);
  const auto events = static_cast<int64_t>(history.item.size());
  const int64_t count = std::min(length, events);
  for (int64_t back = 1; back <= count; ++back) {
    const auto event = static_cast<size_t>(events - back);
    const int64_t at = (row + 1) * length - back;
    input.item.data_ptr<int64_t>()[at] = history.item[event];
    input.segment.data_ptr<int64_t>()[at] = 1;
    if (config.time_gaps && event > 0)
      input.time_gap.data_ptr<int64_t>()[at] =
          time_gap_bucket(history.time[event] - history.time[event - 1]);
    if (config.rewards)
      input.reward.data_ptr<float>()[at] = compressed_reward(history.reward[event]);
  }
}

}  // namespace

at::Tensor SequenceModelImpl::last_state(const std::vector<History>& histories,
                                         int64_t least_length) {
  const auto batch = static_cast<int64_t>(histories.size());
  int64_t longest = least_length;
  for (const History& history : histories) {
    check_history(config, history);
    longest = std::max(longest, static_cast<int64_t>(history.item.size()));
  }
  const int64_t length = std::min(config.max_length, longest);
  // Histories end at the right; the padding before them is a segment of its own.
  const std::vector<int64_t> shape{batch, length};
  SequenceInput input{at::zeros(shape, at::kLong), at::zeros(shape, at::kLong),
                      at::zeros(shape, at::kLong), at::zeros(shape, at::kFloat)};
  for (int64_t row = 0; row < batch; ++row)
    fill_row(config, histories[static_cast<size_t>(row)], row, input);
  torch::NoGradGuard no_gradients;
  Dropout none;
  const at::Device device = item_embedding.device();
  return forward({input.item.to(device), input.segment.to(device), input.time_gap.to(device),
                  input.reward.to(device)},
                 none)
      .select(1, length - 1)
      .contiguous();
}

}  // namespace serendip
