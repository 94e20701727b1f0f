#include "lm/decoder.h"

#include <cmath>

#include "base/check.h"
#include "base/reproducible.h"
#include "lm/fused_ops.h"
#include "lm/rope.h"

namespace serendip {
namespace {

using torch::Tensor;

// Computed in double, as the angles need it. `length`: of the longest sequence.
RotaryTables rotary_tables(const ModelConfig& config, const RopeConfig& rope,
                           const Tensor& positions, int64_t length,
                           const torch::TensorOptions& options) {
  const Tensor frequencies =
      torch::tensor(rope_frequencies(rope, config.head_dim, length), torch::kFloat64);
  const Tensor angles =
      (positions.to(torch::kFloat64).unsqueeze(1) * frequencies.unsqueeze(0)).unsqueeze(1);
  return {angles.cos().to(options), angles.sin().to(options)};
}

// x·Wᵀ + b of rows [T, in], each of which has the same bits whatever the others are (see
// reproducible_row_grain).
Tensor products_of_rows(const Tensor& rows, const Tensor& weight, const Tensor& bias) {
  static const int64_t grain = reproducible_row_grain();
  const int64_t count = rows.size(0), missing = (grain - count % grain) % grain;
  if (missing == 0 || !rows.is_cpu()) return torch::linear(rows, weight, bias);
  return torch::linear(torch::constant_pad_nd(rows, {0, 0, 0, missing}), weight, bias)
      .narrow(0, 0, count);
}

Tensor normalised(const Tensor& rows, const Tensor& weight, const ModelConfig& config) {
  return rms_norm(rows, weight, config.rms_norm_eps, config.norm_adds_one);
}

Tensor soft_capped(const Tensor& values, double cap) {
  return cap > 0 ? cap * torch::tanh(values / cap) : values;
}

}  // namespace

struct DecoderPass::KindPass {
  RotaryTables rotary;
  Attention attention;
};

namespace {

// One layer's view of a forward pass.
class LayerPass {
 public:
  LayerPass(const Decoder& decoder, size_t layer, const LoraDropout* dropout,
            const Tensor& path_keys)
      : decoder_(decoder),
        weights_(decoder.layers[layer]),
        layer_(layer),
        dropout_(dropout),
        path_keys_(path_keys) {}

  Tensor project(const Tensor& input, Projection which) const {
    const Linear& linear = weights_.projections[which];
    const Tensor output = products_of_rows(input, linear.weight, linear.bias);
    if (!linear.lora_a.defined()) return output;
    Tensor adapter_input = input;
    if (dropout_ != nullptr)
      adapter_input =
          (*dropout_)(input, path_keys_, static_cast<int64_t>(layer_) * kProjectionCount + which);
    return torch::addmm(output, torch::linear(adapter_input, linear.lora_a), linear.lora_b.t(),
                        /*beta=*/1, /*alpha=*/decoder_.lora_scale);
  }

  Tensor attention(const Tensor& input, const DecoderPass::KindPass& kind,
                   const KeyValuePlace& place) const {
    const ModelConfig& config = decoder_.config;
    const auto turned = [&](const Tensor& heads) {
      return rotate_half(heads, kind.rotary.cosine, kind.rotary.sine);
    };
    const Tensor query =
        turned(heads(input, kQuery, config.num_attention_heads, weights_.query_norm));
    Tensor key = turned(heads(input, kKey, config.num_key_value_heads, weights_.key_norm));
    Tensor value = heads(input, kValue, config.num_key_value_heads, Tensor());
    if (place.arena != nullptr) {
      key = kept(key, place.arena->key[layer_], place);
      value = kept(value, place.arena->value[layer_], place);
    }
    return project(kind.attention(query, key, value).reshape({input.size(0), -1}), kOutput);
  }

  Tensor feed_forward(const Tensor& input) const {
    const Tensor gate = project(input, kGate), up = project(input, kUp);
    return project(decoder_.config.activation == Activation::kSilu ? silu_and_multiply(gate, up)
                                                                   : torch::gelu(gate, "tanh") * up,
                   kDown);
  }

  // The layer on the residual stream: each half normalises its input, and with post_norms also what
  // it adds.
  Tensor run(const Tensor& input, const DecoderPass::KindPass& kind,
             const KeyValuePlace& place) const {
    const ModelConfig& config = decoder_.config;
    Tensor attended = attention(normalised(input, weights_.input_layernorm, config), kind, place);
    if (config.post_norms)
      attended = normalised(attended, weights_.post_attention_layernorm, config);
    const Tensor middle = input + attended;
    Tensor fed = feed_forward(normalised(
        middle,
        config.post_norms ? weights_.pre_feedforward_layernorm : weights_.post_attention_layernorm,
        config));
    if (config.post_norms) fed = normalised(fed, weights_.post_feedforward_layernorm, config);
    return middle + fed;
  }

 private:
  // [T, count, head_dim], each head normalised where there is a norm.
  Tensor heads(const Tensor& input, Projection which, int64_t count, const Tensor& norm) const {
    const ModelConfig& config = decoder_.config;
    const Tensor rows = project(input, which).view({input.size(0), count, config.head_dim});
    return norm.defined() ? normalised(rows, norm, config) : rows;
  }

  // Puts the pass's rows into the arena; returns all that its paths may name.
  static Tensor kept(const Tensor& rows, const Tensor& arena, const KeyValuePlace& place) {
    if (place.rows.defined()) {
      arena.index_copy_(0, place.rows, rows);
      return arena;
    }
    arena.narrow(0, place.begin, rows.size(0)).copy_(rows);
    return arena.narrow(0, 0, place.begin + rows.size(0));
  }

  const Decoder& decoder_;
  const DecoderLayer& weights_;
  size_t layer_;
  const LoraDropout* dropout_;
  const Tensor& path_keys_;
};

double attention_scale(const ModelConfig& config) {
  return config.attention_scale > 0 ? config.attention_scale
                                    : 1 / std::sqrt(static_cast<double>(config.head_dim));
}

// Past the length that the model was trained for, dynamic scaling turns every key anew with each
// longer sequence: keys that an earlier pass kept would be wrong.
void check_dynamic_rope(const ModelConfig& config, int64_t length, bool keeps_keys) {
  const RopeConfig& rope = config.full_attention.rope;
  SERENDIP_CHECK(!keeps_keys || rope.type != RopeType::kDynamic ||
                     length <= rope.original_max_position_embeddings,
                 "decoder: dynamic RoPE scaling: expected at most {} tokens in generation, got {}",
                 rope.original_max_position_embeddings, length);
}

Attention attention_of(const Decoder& decoder, const AttentionKind& kind,
                       const TokenTreeBatch& batch, int64_t key_rows) {
  const ModelConfig& config = decoder.config;
  return {decoder.attention_method,
          batch,
          key_rows,
          {attention_scale(config), config.attention_softcap, kind.window},
          decoder.embed_tokens.options().requires_grad(false)};
}

}  // namespace

void KeyValueArena::reserve(const ModelConfig& config, int64_t rows,
                            const torch::TensorOptions& options) {
  const auto layers = static_cast<size_t>(config.num_hidden_layers);
  const int64_t old_rows = key.empty() ? 0 : key[0].size(0);
  if (rows <= old_rows) return;
  key.resize(layers);
  value.resize(layers);
  for (std::vector<Tensor>* side : {&key, &value}) {
    for (Tensor& tensor : *side) {
      Tensor grown = torch::zeros({rows, config.num_key_value_heads, config.head_dim}, options);
      if (old_rows > 0) grown.narrow(0, 0, old_rows).copy_(tensor);
      tensor = grown;
    }
  }
}

DecoderPass::DecoderPass(const Decoder& decoder, const TokenTree& tree, int32_t begin, int32_t end,
                         KeyValueArena* arena, const LoraDropout* dropout)
    : decoder_(decoder), dropout_(dropout), place_{arena, begin, {}} {
  SERENDIP_CHECK(arena != nullptr || begin == 0,
                 "decoder: expected a pass from node 0 without an arena, got {}", begin);
  const ModelConfig& config = decoder.config;
  const TokenTreeBatch batch = tree.batch(begin, end);
  const torch::TensorOptions rows = decoder.embed_tokens.options().requires_grad(false);
  tokens_ = batch.tokens.to(rows.device());
  if (arena != nullptr && (arena->key.empty() || arena->key[0].size(0) < end))
    arena->reserve(
        config, std::max<int64_t>(end, 2 * begin),
        rows.dtype(key_value_dtype(decoder.attention_method, decoder.embed_tokens.options())));
  if (dropout != nullptr) {
    std::vector<int64_t> keys;
    for (int32_t node = begin; node < end; ++node)
      keys.push_back(static_cast<int64_t>(tree.path_key(node)));
    path_keys_ = torch::tensor(keys, torch::kInt64).to(rows.device());
  }
  check_dynamic_rope(config, batch.length, arena != nullptr);
  const auto pass_of = [&](const AttentionKind& kind) {
    return std::make_unique<const KindPass>(
        rotary_tables(config, kind.rope, batch.positions, batch.length, rows),
        attention_of(decoder, kind, batch, end));
  };
  full_ = pass_of(config.full_attention);
  if (!config.sliding_layers.empty()) sliding_ = pass_of(config.sliding_attention);
}

DecoderPass::DecoderPass(const Decoder& decoder, const TokenTreeBatch& batch, const Tensor& rows,
                         const PositionTables& tables, KeyValueArena& arena)
    : decoder_(decoder), dropout_(nullptr), place_{&arena, 0, rows}, tokens_(batch.tokens) {
  const ModelConfig& config = decoder.config;
  const auto pass_of = [&](const AttentionKind& kind, const RotaryTables& table) {
    return std::make_unique<const KindPass>(
        RotaryTables{table.cosine.index_select(0, batch.positions),
                     table.sine.index_select(0, batch.positions)},
        attention_of(decoder, kind, batch, arena.key[0].size(0)));
  };
  full_ = pass_of(config.full_attention, tables.full);
  if (!config.sliding_layers.empty()) sliding_ = pass_of(config.sliding_attention, tables.sliding);
}

DecoderPass::~DecoderPass() = default;

Tensor DecoderPass::embed() const {
  const Tensor rows = torch::embedding(decoder_.embed_tokens, tokens_);
  const double scale = decoder_.config.embedding_scale;
  return scale == 1 ? rows : rows * torch::tensor(scale, rows.scalar_type());
}

Tensor DecoderPass::layer(size_t index, const Tensor& hidden) const {
  return LayerPass(decoder_, index, dropout_, path_keys_)
      .run(hidden, decoder_.config.slides(index) ? *sliding_ : *full_, place_);
}

Tensor DecoderPass::final_norm(const Tensor& hidden) const {
  return normalised(hidden, decoder_.norm, decoder_.config);
}

Tensor DecoderPass::run() const {
  Tensor hidden = embed();
  for (size_t i = 0; i < decoder_.layers.size(); ++i) hidden = layer(i, hidden);
  return final_norm(hidden);
}

PositionTables position_tables(const Decoder& decoder, int64_t length) {
  const ModelConfig& config = decoder.config;
  check_dynamic_rope(config, length, /*keeps_keys=*/true);
  const Tensor positions = torch::arange(length, torch::kInt64);
  const torch::TensorOptions rows = decoder.embed_tokens.options().requires_grad(false);
  const auto table = [&](const AttentionKind& kind) {
    return rotary_tables(config, kind.rope, positions, length, rows);
  };
  return {table(config.full_attention),
          config.sliding_layers.empty() ? RotaryTables{} : table(config.sliding_attention)};
}

Tensor Decoder::forward(const TokenTree& tree, int32_t begin, int32_t end, KeyValueArena* arena,
                        const LoraDropout* dropout) const {
  return DecoderPass(*this, tree, begin, end, arena, dropout).run();
}

Tensor Decoder::logits(const Tensor& hidden) const {
  return soft_capped(products_of_rows(hidden, lm_head, {}), config.logit_softcap);
}

void Decoder::for_each_weight(const std::function<void(const std::string&, Tensor&)>& visit) {
  visit("model.embed_tokens.weight", embed_tokens);
  for (size_t i = 0; i < layers.size(); ++i) {
    const std::string prefix = fmt::format("model.layers.{}.", i);
    visit(prefix + "input_layernorm.weight", layers[i].input_layernorm);
    visit(prefix + "post_attention_layernorm.weight", layers[i].post_attention_layernorm);
    if (config.post_norms) {
      visit(prefix + "pre_feedforward_layernorm.weight", layers[i].pre_feedforward_layernorm);
      visit(prefix + "post_feedforward_layernorm.weight", layers[i].post_feedforward_layernorm);
    }
    if (config.query_key_norm) {
      visit(prefix + "self_attn.q_norm.weight", layers[i].query_norm);
      visit(prefix + "self_attn.k_norm.weight", layers[i].key_norm);
    }
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

}  // namespace serendip
