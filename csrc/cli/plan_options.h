// What a dry run assumes where model and data are not at hand: the recipe's section "plan".
#pragma once

#include <cstdint>

#include "base/options.h"

namespace serendip {

struct PlanOptions {
  int64_t ranks = 1;
  double device_tflops = 0;
  int64_t template_tokens = 48, description_tokens = 8, searched_nodes = 0;
  // The model's shape, used only where model.path holds no config.json.
  int64_t vocabulary = 0, hidden_size = 0, intermediate_size = 0, layers = 0;
  int64_t heads = 0, key_value_heads = 0, head_dim = 0;
  bool tied_embeddings = true;
  void declare(OptionSet& set);
};

}  // namespace serendip
