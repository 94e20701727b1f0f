#include "lm/decoder.h"

#include <cmath>

#include "base/check.h"
#include "base/random.h"
#include "kernels/tree_attention_op.h"
#include "lm/rope.h"

namespace serendip {
namespace {

using torch::Tensor;

// cos and sin of position · frequency, each [T, 1, d/2], computed in double as the angles need it.
std::pair<Tensor, Tensor> rotary_tables(const ModelConfig& config, const Tensor& positions,
                                        torch::ScalarType dtype) {
  if (config.rope.type == RopeType::kDynamic) {
    const auto last = positions.max().item<int64_t>();
    SERENDIP_CHECK(last < config.max_position_embeddings,
                   "decoder: a sequence of more than {} tokens needs dynamic RoPE scaling, which "
                   "is not supported",
                   config.max_position_embeddings);
  }
  const Tensor frequencies =
      torch::tensor(rope_frequencies(config.rope, config.head_dim), torch::kFloat64);
  const Tensor angles =
      (positions.to(torch::kFloat64).unsqueeze(1) * frequencies.unsqueeze(0)).unsqueeze(1);
  return {angles.cos().to(dtype), angles.sin().to(dtype)};
}

// Rotary position embedding in the half-split layout of Hugging Face checkpoints (Su et al. 2021).
Tensor rotate(const Tensor& rows, const std::pair<Tensor, Tensor>& tables) {
  const auto& [cosine, sine] = tables;
  const std::vector<Tensor> halves = rows.chunk(2, -1);
  return torch::cat({halves[0] * cosine - halves[1] * sine, halves[1] * cosine + halves[0] * sine},
                    -1);
}

Tensor rms_norm(const Tensor& rows, const Tensor& weight, double epsilon) {
  return rows * torch::rsqrt(rows.square().mean(-1, /*keepdim=*/true) + epsilon) * weight;
}

// 0 or 1/(1-p); [rows, columns].
Tensor dropout_mask(int64_t rows, int64_t columns, int64_t module, const LoraDropout& dropout) {
  Tensor mask = torch::empty({rows, columns});
  auto* out = mask.data_ptr<float>();
  const auto keep = static_cast<float>(1 / (1 - dropout.probability));
  const auto threshold = static_cast<uint64_t>(dropout.probability * 0x1.0p63) * 2;
  const uint64_t stream = mix_bits(dropout.step) ^ static_cast<uint64_t>(module);
  for (int64_t i = 0; i < rows * columns; ++i)
    out[i] = random_bits(dropout.seed, stream, static_cast<uint64_t>(i)) < threshold ? 0 : keep;
  return mask;
}

// One layer's view of a forward pass.
class LayerPass {
 public:
  LayerPass(const Decoder& decoder, size_t layer, const LoraDropout* dropout)
      : decoder_(decoder), weights_(decoder.layers[layer]), layer_(layer), dropout_(dropout) {}

  Tensor project(const Tensor& input, Projection which) const {
    const Linear& linear = weights_.projections[which];
    const Tensor output = torch::linear(input, linear.weight, linear.bias);
    if (!linear.lora_a.defined()) return output;
    Tensor adapter_input = input;
    if (dropout_ != nullptr && dropout_->probability > 0)
      adapter_input =
          input * dropout_mask(input.size(0), input.size(1),
                               static_cast<int64_t>(layer_) * kProjectionCount + which, *dropout_)
                      .to(input.scalar_type());
    return torch::addmm(output, torch::linear(adapter_input, linear.lora_a), linear.lora_b.t(),
                        /*beta=*/1, /*alpha=*/decoder_.lora_scale);
  }

  Tensor attention(const Tensor& input, const TokenTreeBatch& batch,
                   const std::pair<Tensor, Tensor>& rotary, KeyValueArena* arena,
                   int64_t begin) const {
    const ModelConfig& config = decoder_.config;
    const int64_t rows = input.size(0);
    const Tensor query = rotate(
        project(input, kQuery).view({rows, config.num_attention_heads, config.head_dim}), rotary);
    Tensor key = rotate(
        project(input, kKey).view({rows, config.num_key_value_heads, config.head_dim}), rotary);
    Tensor value = project(input, kValue).view({rows, config.num_key_value_heads, config.head_dim});
    if (arena != nullptr) {
      arena->key[layer_].narrow(0, begin, rows).copy_(key);
      arena->value[layer_].narrow(0, begin, rows).copy_(value);
      key = arena->key[layer_];
      value = arena->value[layer_];
    }
    const double scale = 1 / std::sqrt(static_cast<double>(config.head_dim));
    const Tensor mixed = tree_attention(query, key, value, batch.path_offset, batch.path, scale);
    return project(mixed.view({rows, -1}), kOutput);
  }

  Tensor feed_forward(const Tensor& input) const {
    return project(torch::silu(project(input, kGate)) * project(input, kUp), kDown);
  }

 private:
  const Decoder& decoder_;
  const DecoderLayer& weights_;
  size_t layer_;
  const LoraDropout* dropout_;
};

}  // namespace

void KeyValueArena::reserve(const ModelConfig& config, int64_t rows, torch::ScalarType dtype) {
  const auto layers = static_cast<size_t>(config.num_hidden_layers);
  const int64_t old_rows = key.empty() ? 0 : key[0].size(0);
  if (rows <= old_rows) return;
  key.resize(layers);
  value.resize(layers);
  for (std::vector<Tensor>* side : {&key, &value}) {
    for (Tensor& tensor : *side) {
      Tensor grown = torch::empty({rows, config.num_key_value_heads, config.head_dim}, dtype);
      if (old_rows > 0) grown.narrow(0, 0, old_rows).copy_(tensor);
      tensor = grown;
    }
  }
}

Tensor Decoder::forward(const TokenTree& tree, int32_t begin, int32_t end, KeyValueArena* arena,
                        const LoraDropout* dropout) const {
  SERENDIP_CHECK(arena != nullptr || begin == 0,
                 "decoder: expected a pass from node 0 without an arena, got {}", begin);
  const TokenTreeBatch batch = tree.batch(begin, end);
  if (arena != nullptr && (arena->key.empty() || arena->key[0].size(0) < end))
    arena->reserve(config, std::max<int64_t>(end, 2 * begin), embed_tokens.scalar_type());
  Tensor hidden = torch::embedding(embed_tokens, batch.tokens);
  const auto rotary = rotary_tables(config, batch.positions, hidden.scalar_type());
  for (size_t i = 0; i < layers.size(); ++i) {
    const LayerPass pass(*this, i, dropout);
    hidden =
        hidden + pass.attention(rms_norm(hidden, layers[i].input_layernorm, config.rms_norm_eps),
                                batch, rotary, arena, begin);
    hidden = hidden + pass.feed_forward(rms_norm(hidden, layers[i].post_attention_layernorm,
                                                 config.rms_norm_eps));
  }
  return rms_norm(hidden, norm, config.rms_norm_eps);
}

Tensor Decoder::logits(const Tensor& hidden) const { return torch::linear(hidden, lm_head); }

void Decoder::for_each_weight(const std::function<void(const std::string&, Tensor&)>& visit) {
  visit("model.embed_tokens.weight", embed_tokens);
  for (size_t i = 0; i < layers.size(); ++i) {
    const std::string prefix = fmt::format("model.layers.{}.", i);
    visit(prefix + "input_layernorm.weight", layers[i].input_layernorm);
    visit(prefix + "post_attention_layernorm.weight", layers[i].post_attention_layernorm);
    for (size_t p = 0; p < kProjectionCount; ++p) {
      Linear& linear = layers[i].projections[p];
      visit(prefix + kProjectionNames[p] + ".weight", linear.weight);
      if (linear.bias.defined()) visit(prefix + kProjectionNames[p] + ".bias", linear.bias);
    }
  }
  visit("model.norm.weight", norm);
  if (!config.tie_word_embeddings) visit("lm_head.weight", lm_head);
  if (config.tie_word_embeddings) lm_head = embed_tokens;
}

Decoder merge_lora(const Decoder& decoder) {
  torch::NoGradGuard no_grad;
  Decoder merged = decoder;
  merged.lora_scale = 0;
  for (DecoderLayer& layer : merged.layers) {
    for (Linear& linear : layer.projections) {
      if (!linear.lora_a.defined()) continue;
      linear.weight = torch::addmm(linear.weight, linear.lora_b, linear.lora_a, /*beta=*/1,
                                   /*alpha=*/decoder.lora_scale);
      linear.lora_a = linear.lora_b = Tensor();
    }
  }
  return merged;
}

}  // namespace serendip
