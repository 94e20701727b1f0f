// The decoder-only transformer of Llama, Mistral, Qwen and Gemma over token trees: one forward pass
// for training, evaluation and bulk inference.
#pragma once

#include <torch/types.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lm/attention.h"
#include "lm/config.h"
#include "lm/lora_dropout.h"
#include "lm/token_tree.h"

namespace serendip {

// The linear maps of a layer, in the order of kProjectionNames.
enum Projection { kQuery, kKey, kValue, kOutput, kGate, kUp, kDown, kProjectionCount };
constexpr std::array<const char*, kProjectionCount> kProjectionNames = {
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
    "mlp.gate_proj",    "mlp.up_proj",      "mlp.down_proj"};

// y = x·Wᵀ + b, and with an adapter y += scale · (x·Aᵀ)·Bᵀ (Hu et al. 2021).
struct Linear {
  torch::Tensor weight;          // [out, in]
  torch::Tensor bias;            // [out]; undefined where the model has none
  torch::Tensor lora_a, lora_b;  // [rank, in], [out, rank]; undefined without an adapter
};

struct DecoderLayer {
  torch::Tensor input_layernorm, post_attention_layernorm;  // [hidden]
  std::array<Linear, kProjectionCount> projections;
  // With config.post_norms; post_attention_layernorm is then what its name says, and otherwise the
  // feed-forward's own norm.
  torch::Tensor pre_feedforward_layernorm, post_feedforward_layernorm;  // [hidden]
  torch::Tensor query_norm, key_norm;                                   // [head_dim]
};

// Keys and values of tree nodes that earlier passes computed: row n of every layer belongs to node
// n.
struct KeyValueArena {
  std::vector<torch::Tensor> key, value;  // [capacity, key/value heads, head_dim] a layer

  // Room for `rows` rows, content kept, the others zero: dense attention multiplies them by 0.
  void reserve(const ModelConfig& config, int64_t rows, const torch::TensorOptions& options);
};

// cos and sin of position · frequency, each [T, 1, head_dim / 2].
struct RotaryTables {
  torch::Tensor cosine, sine;
};

struct Decoder {
  ModelConfig config;
  torch::Tensor embed_tokens;  // [vocab, hidden]
  torch::Tensor norm;          // [hidden]
  torch::Tensor lm_head;       // [vocab, hidden]; the same tensor as embed_tokens when tied
  std::vector<DecoderLayer> layers;
  double lora_scale = 0;
  AttentionMethod attention_method = AttentionMethod::kTree;

  // Final hidden states [T, hidden] of nodes [begin, end) of the tree. Without an arena, begin must
  // be 0 (all ancestors are in the pass); with one, the ancestors' rows are in it and the new
  // nodes' rows are added (no gradients). With dynamic RoPE scaling the longest sequence of the
  // pass sets the frequencies of all, as in a batch of `transformers`.
  torch::Tensor forward(const TokenTree& tree, int32_t begin, int32_t end,
                        KeyValueArena* arena = nullptr, const LoraDropout* dropout = nullptr) const;
  // Vocabulary projection: [T, hidden] -> [T, vocab].
  torch::Tensor logits(const torch::Tensor& hidden) const;

  // Every weight under its Hugging Face name, adapters left out; lm_head only when it is not tied.
  void for_each_weight(
      const std::function<void(const std::string& name, torch::Tensor& weight)>& visit);
};

// What passes whose nodes are known to the device alone need of the host, computed once.
struct PositionTables {
  RotaryTables full, sliding;  // of positions [0, length)
};
PositionTables position_tables(const Decoder& decoder, int64_t length);

// Where a pass puts the keys and values of its nodes.
struct KeyValuePlace {
  KeyValueArena* arena = nullptr;  // none: they are kept nowhere
  int64_t begin = 0;               // of the pass's rows
  torch::Tensor rows;              // i64 [T], or else each node's row of the arena
};

// Decoder::forward in its parts, for who needs the states between layers. Holds references to all
// that it is made of.
class DecoderPass {
 public:
  struct KindPass;  // what layers of one attention kind share

  DecoderPass(const Decoder& decoder, const TokenTree& tree, int32_t begin, int32_t end,
              KeyValueArena* arena = nullptr, const LoraDropout* dropout = nullptr);
  // Of a batch on the weights' device, whose paths hold rows of the arena; its keys and values go
  // to `rows`, i64 [T]. Neither reads from the device nor writes to it from the host.
  DecoderPass(const Decoder& decoder, const TokenTreeBatch& batch, const torch::Tensor& rows,
              const PositionTables& tables, KeyValueArena& arena);
  ~DecoderPass();

  const torch::Tensor& tokens() const { return tokens_; }  // i64 [T], on the weights' device
  torch::Tensor embed() const;                             // [T, hidden]
  torch::Tensor layer(size_t index, const torch::Tensor& hidden) const;  // [T, hidden]
  torch::Tensor final_norm(const torch::Tensor& hidden) const;           // any rows
  torch::Tensor run() const;  // all of the above: final hidden states [T, hidden]

 private:
  const Decoder& decoder_;
  const LoraDropout* dropout_;
  KeyValuePlace place_;
  torch::Tensor tokens_;
  torch::Tensor path_keys_;  // i64 [T]; with dropout alone
  std::unique_ptr<const KindPass> full_, sliding_;
};

}  // namespace serendip
