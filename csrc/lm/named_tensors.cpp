#include "lm/named_tensors.h"

#include <fmt/ranges.h>
#include <torch/utils.h>

#include "base/check.h"

namespace serendip {
namespace fs = std::filesystem;

using torch::Tensor;

namespace {

torch::ScalarType scalar_type(const std::string& dtype, const std::string& where) {
  if (dtype == "F32") return torch::kFloat32;
  if (dtype == "BF16") return torch::kBFloat16;
  if (dtype == "F16") return torch::kFloat16;
  if (dtype == "F64") return torch::kFloat64;
  fail("{}: expected dtype F32, BF16, F16 or F64, got {}", where, dtype);
}

std::string dtype_name(torch::ScalarType dtype) {
  if (dtype == torch::kFloat32) return "F32";
  if (dtype == torch::kBFloat16) return "BF16";
  SERENDIP_CHECK(dtype == torch::kFloat16, "safetensors: expected float32, bfloat16 or float16");
  return "F16";
}

}  // namespace

Tensor to_tensor(const SafetensorsEntry& entry, torch::ScalarType dtype, const std::string& where) {
  const auto type = scalar_type(entry.dtype, where);
  return torch::from_blob(const_cast<uint8_t*>(entry.data), entry.shape, type)
      .to(dtype, /*non_blocking=*/false, /*copy=*/true);
}

void save_tensors(const fs::path& path, const NamedTensors& tensors, torch::ScalarType dtype) {
  std::vector<std::pair<std::string, SafetensorsEntry>> entries;
  std::vector<Tensor> kept;
  for (const auto& [name, tensor] : tensors) {
    kept.push_back(tensor.detach().to(torch::kCPU, dtype).contiguous());
    const Tensor& values = kept.back();
    entries.emplace_back(name,
                         SafetensorsEntry{dtype_name(dtype), values.sizes().vec(),
                                          static_cast<const uint8_t*>(values.const_data_ptr()),
                                          static_cast<int64_t>(values.nbytes())});
  }
  write_safetensors(path, entries);
}

void load_tensors(const fs::path& path, const NamedTensors& tensors) {
  const SafetensorsFile file(path);
  SERENDIP_CHECK(file.entries().size() == tensors.size(), "{}: expected {} tensors, got {}",
                 path.string(), tensors.size(), file.entries().size());
  torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors) {
    const auto found = file.entries().find(name);
    SERENDIP_CHECK(found != file.entries().end(), "{}: no tensor '{}'", path.string(), name);
    SERENDIP_CHECK(tensor.sizes() == at::IntArrayRef(found->second.shape),
                   "{}: tensor '{}': expected shape [{}], got [{}]", path.string(), name,
                   fmt::join(tensor.sizes(), ", "), fmt::join(found->second.shape, ", "));
    Tensor target = tensor;
    target.copy_(to_tensor(found->second, tensor.scalar_type(),
                           fmt::format("{}: tensor '{}'", path.string(), name)));
  }
}

}  // namespace serendip
