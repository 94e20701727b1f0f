// A decoder's shape, read from a Hugging Face config.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lm/rope.h"

namespace serendip {

struct ModelConfig {
  std::string model_type;  // "llama"
  int64_t vocab_size = 0, hidden_size = 0, intermediate_size = 0;
  int64_t num_hidden_layers = 0, num_attention_heads = 0, num_key_value_heads = 0, head_dim = 0;
  int64_t max_position_embeddings = 0;
  double rms_norm_eps = 1e-5;
  RopeConfig rope;
  bool tie_word_embeddings = false;
  bool attention_bias = false, mlp_bias = false;
  std::optional<int64_t> bos_token_id;
  std::vector<int64_t>
      eos_token_id;  // config.json's, or generation_config.json's where that has more

  // Weights of the decoder, embeddings counted once when tied.
  int64_t parameter_count() const;
  // Multiply-adds of one token's forward pass without attention, times two; with the vocabulary
  // projection or without.
  double flops_per_token(bool with_vocabulary) const;
};

// Both spellings of the RoPE keys are read. Throws Error naming the field for an unsupported model
// type, rope type, activation, bias or any other field that would change the result.
ModelConfig load_model_config(const std::filesystem::path& model_folder);

}  // namespace serendip
