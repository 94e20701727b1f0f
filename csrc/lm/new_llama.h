// A Llama that nobody has trained yet.
#pragma once

#include <cstdint>
#include <filesystem>

#include "lm/decoder.h"

namespace serendip {

// Writes config.json and tokenizer_config.json as `transformers` has them for a Llama in float32
// with tied embeddings, plain RoPE and a sentencepiece vocabulary whose <s> and </s> begin and end
// a text; of `config` the sizes, bos, eos and rms_norm_eps.
void save_llama_config(const ModelConfig& config, const std::filesystem::path& folder);

// Weights as GPT-2's (Radford et al. 2019): normal(0, 0.02), what writes to the residual stream
// divided by √(2·layers); norms are 1. A function of config and seed alone.
Decoder new_decoder(const ModelConfig& config, uint64_t seed);

}  // namespace serendip
