// Torch tensors by name in safetensors files.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "lm/safetensors.h"

namespace serendip {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

// In one safetensors file, cast to float32, bfloat16 or float16.
void save_tensors(const std::filesystem::path& path, const NamedTensors& tensors,
                  torch::ScalarType dtype = torch::kFloat32);
// Throws Error unless the file holds exactly these names and shapes; copies into the tensors.
void load_tensors(const std::filesystem::path& path, const NamedTensors& tensors);

// A copy of a mapped tensor of F32, BF16, F16 or F64, cast; `where` names it in errors.
torch::Tensor to_tensor(const SafetensorsEntry& entry, torch::ScalarType dtype,
                        const std::string& where);

}  // namespace serendip
