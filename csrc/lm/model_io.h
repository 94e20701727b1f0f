// Model folders in the Hugging Face layout, and LoRA adapters in PEFT's.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lm/decoder.h"

namespace serendip {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

struct LoraConfig {
  int64_t rank = 16;
  double alpha = 32;
  double dropout = 0;
  std::vector<std::string> target_modules;  // "q_proj", …; empty means all linear maps
};

// Weights in float32 on the CPU, cast tensor by tensor. `folder` is a model, or an adapter folder whose
// base model is loaded and adapted (not merged). Throws Error naming the file for a weight that is
// missing, unexpected or of the wrong shape.
Decoder load_decoder(const std::filesystem::path& folder);

// The folder that holds config.json and tokenizer: `folder` itself, or its adapter's base model.
std::filesystem::path base_model_folder(const std::filesystem::path& folder);

// New adapters on the target modules, initialised as PEFT does: A uniform as nn.Linear, B zero.
void add_lora(Decoder& decoder, const LoraConfig& lora, uint64_t seed);

// A plain model folder: config.json and tokenizer files copied from `base`, weights written in float32.
void save_decoder(Decoder& decoder, const std::filesystem::path& base,
                  const std::filesystem::path& folder);
// adapter_config.json and adapter_model.safetensors.
void save_adapter(const Decoder& decoder, const LoraConfig& lora, const std::filesystem::path& base,
                  const std::filesystem::path& folder);

// The adapters' weights under their PEFT names.
NamedTensors adapter_tensors(const Decoder& decoder);

// Named float32 tensors in one safetensors file.
void save_tensors(const std::filesystem::path& path, const NamedTensors& tensors);
// Throws Error unless the file holds exactly these names and shapes; copies into the tensors.
void load_tensors(const std::filesystem::path& path, const NamedTensors& tensors);

}  // namespace serendip
