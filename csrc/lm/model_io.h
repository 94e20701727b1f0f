// Model folders in the Hugging Face layout.
#pragma once

#include <cstdint>
#include <filesystem>

#include "lm/decoder.h"

namespace serendip {

// Weights of the shapes that `config` promises, without memory for their values (on kMeta).
Decoder shaped_decoder(const ModelConfig& config);

// Weights cast to `dtype` (float32, bfloat16, float16) tensor by tensor: the memory is the model's
// and one tensor's. On the CPU attention is kTree, elsewhere kTorch. `folder` is a model, or an
// adapter folder whose base model is loaded and adapted (not merged). Throws Error naming the file
// for a weight that is missing, unexpected or of the wrong shape.
Decoder load_decoder(const std::filesystem::path& folder, torch::ScalarType dtype = torch::kFloat32,
                     torch::Device device = torch::kCPU);

// The folder that holds config.json and tokenizer: `folder` itself, or its adapter's base model.
std::filesystem::path base_model_folder(const std::filesystem::path& folder);

struct SaveOptions {
  torch::ScalarType dtype = torch::kFloat32;  // or bfloat16, float16
  int64_t max_shard_size = 5'000'000'000;     // bytes; a larger tensor has a shard alone
};

// A plain model folder: config.json and tokenizer files copied from `base`, weights under their
// Hugging Face names in model.safetensors or, beyond max_shard_size, in shards with an index.
void save_decoder(Decoder& decoder, const std::filesystem::path& base,
                  const std::filesystem::path& folder, const SaveOptions& options = {});

}  // namespace serendip
