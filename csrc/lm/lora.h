// Low-rank adapters (Hu et al. 2021), in PEFT's folders.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lm/decoder.h"
#include "lm/named_tensors.h"

namespace serendip {

struct LoraConfig {
  int64_t rank = 16;
  double alpha = 32;
  double dropout = 0;
  // As PEFT matches them: a module's whole name or its end ("q_proj"); empty means all linear maps.
  std::vector<std::string> target_modules;
  bool rslora = false;  // scaled by alpha / √rank (Kalajdzievski 2023) instead of alpha / rank

  double scale() const;
};

// Whether the folder is PEFT's rather than a model's.
bool is_adapter_folder(const std::filesystem::path& folder);

// From adapter_config.json. Throws Error naming the field for a kind of adapter that is not
// supported.
LoraConfig read_lora_config(const std::filesystem::path& folder);

// New adapters on the target modules, initialised as PEFT does: A uniform as nn.Linear, B zero.
// Throws Error naming a target that matches no module.
void add_lora(Decoder& decoder, const LoraConfig& lora, uint64_t seed);

// The adapters' weights under their PEFT names.
NamedTensors adapter_tensors(const Decoder& decoder);

// adapter_config.json and adapter_model.safetensors.
void save_adapter(const Decoder& decoder, const LoraConfig& lora, const std::filesystem::path& base,
                  const std::filesystem::path& folder);

// Every adapter folded into its weight, a new tensor: W + scale · B·A. Weights without one are
// shared with the caller's copy.
Decoder merge_lora(Decoder decoder);

}  // namespace serendip
