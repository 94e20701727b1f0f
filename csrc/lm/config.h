// A decoder's shape, read from a Hugging Face config.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lm/rope.h"

namespace serendip {

enum class Activation { kSilu, kGeluTanh };

// What a layer's queries see, and how positions turn them.
struct AttentionKind {
  int64_t window = 0;  // the last tokens seen, their own included; 0: all before them
  RopeConfig rope;
};

struct ModelConfig {
  std::string model_type;  // "llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text"
  int64_t vocab_size = 0, hidden_size = 0, intermediate_size = 0;
  int64_t num_hidden_layers = 0, num_attention_heads = 0, num_key_value_heads = 0, head_dim = 0;
  int64_t max_position_embeddings = 0;
  double rms_norm_eps = 1e-6;
  Activation activation = Activation::kSilu;

  AttentionKind full_attention, sliding_attention;
  std::vector<bool> sliding_layers;  // [num_hidden_layers], or empty where no layer slides
  double attention_scale = 0;        // of query · key; 0: 1/√head_dim
  double attention_softcap = 0;      // scores become c·tanh(score / c); 0: none
  double logit_softcap = 0;          // logits likewise

  bool tie_word_embeddings = false;
  bool query_key_value_bias = false, output_bias = false, mlp_bias = false;
  bool query_key_norm = false;  // RMSNorm of every head's query and key before RoPE
  bool norm_adds_one = false;   // RMSNorm scales by 1 + weight
  bool post_norms = false;      // norms after attention and feed-forward too
  double embedding_scale = 1;   // of embedding rows

  std::optional<int64_t> bos_token_id;
  std::vector<int64_t>
      eos_token_id;  // config.json's, or generation_config.json's where that has more

  bool slides(size_t layer) const { return !sliding_layers.empty() && sliding_layers[layer]; }
  // Weights of the decoder, embeddings counted once when tied.
  int64_t parameter_count() const;
  // Multiply-adds of one token's forward pass without attention, times two; with the vocabulary
  // projection or without.
  double flops_per_token(bool with_vocabulary) const;
};

// Absent fields are filled in as `transformers` does. Throws Error naming the field for an
// unsupported model type, RoPE type, activation or any other field that would change the result.
ModelConfig load_model_config(const std::filesystem::path& model_folder);

}  // namespace serendip
