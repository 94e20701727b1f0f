// The small model that `pretrain` makes and how it trains it.
#pragma once

#include <cstdint>
#include <string>

#include "base/options.h"
#include "lm/config.h"

namespace serendip {

// Section "pretrain".
struct PretrainOptions {
  int64_t vocabulary = 4096;
  int64_t hidden_size = 192, layers = 4, heads = 6, key_value_heads = 3, intermediate_size = 512;
  int64_t context = 256;
  int64_t steps = 0, batch_size = 32;
  double learning_rate = 3e-3;
  int64_t warmup_steps = 20;
  std::string schedule = "cosine";
  double weight_decay = 0.1, clip_norm = 1;
  int64_t seed = 1;
  void declare(OptionSet& set);

  // The Llama of these sizes over `pieces` pieces, 1 and 2 of which begin and end a text. Throws
  // Error naming the key whose size does not divide.
  ModelConfig model_config(int64_t pieces) const;
};

}  // namespace serendip
