// How the Torch bindings check their arguments: c10::Error names op, tensor, expected and actual.
#pragma once

#include <c10/core/SymBool.h>
#include <torch/types.h>

#include <cstdint>

#include "kernels/float_types.h"

namespace serendip {

inline FloatType float_type_of(const char* op, const char* name, const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return FloatType::kFloat32;
    case at::kBFloat16:
      return FloatType::kBFloat16;
    case at::kHalf:
      return FloatType::kFloat16;
    default:
      TORCH_CHECK(false, op, ": ", name, ": expected Float, BFloat16 or Half, got ",
                  tensor.scalar_type());
  }
}

inline void check_tensor(const char* op, const char* name, const at::Tensor& tensor,
                         at::ScalarType type, int64_t dimensions, const at::Device& device) {
  TORCH_CHECK(
      tensor.scalar_type() == type && tensor.dim() == dimensions && tensor.device() == device, op,
      ": ", name, ": expected ", dimensions, "-dimensional ", type, " on ", device, ", got ",
      tensor.dim(), "-dimensional ", tensor.scalar_type(), " on ", tensor.device());
}

// Sizes may be symbolic, as torch.compile has them.
inline void check_length(const char* op, const char* name, const at::Tensor& tensor,
                         const c10::SymInt& length) {
  TORCH_SYM_CHECK(tensor.sym_numel().sym_eq(length), op, ": ", name, ": expected ", length,
                  " values, got ", tensor.sym_numel());
}

// Values of a contiguous tensor on the CPU must ascend from 0 to `last`.
inline void check_offsets(const char* op, const char* name, const at::Tensor& offset,
                          int64_t last) {
  const auto* values = offset.const_data_ptr<int64_t>();
  const int64_t count = offset.numel();
  TORCH_CHECK(values[0] == 0, op, ": ", name, "[0]: expected 0, got ", values[0]);
  for (int64_t at = 1; at < count; ++at)
    TORCH_CHECK(values[at - 1] <= values[at], op, ": ", name, "[", at, "]: expected at least ",
                values[at - 1], ", got ", values[at]);
  TORCH_CHECK(values[count - 1] == last, op, ": ", name, "[", count - 1, "]: expected ", last,
              ", got ", values[count - 1]);
}

// Values of a contiguous tensor on the CPU must lie in [0, count).
template <typename Index = int64_t>
void check_indices(const char* op, const char* name, const at::Tensor& indices, int64_t count) {
  const auto* values = indices.const_data_ptr<Index>();
  for (int64_t at = 0; at < indices.numel(); ++at)
    TORCH_CHECK(values[at] >= 0 && values[at] < count, op, ": ", name, "[", at, "]: expected 0 to ",
                count - 1, ", got ", values[at]);
}

}  // namespace serendip
