// What launchers share.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "kernels/float_types.h"

namespace serendip {

inline void check_cuda(cudaError_t status, const char* action) {
  if (status != cudaSuccess)
    throw std::runtime_error(std::string(action) + ": " + cudaGetErrorString(status));
}

// `name` says which argument of which op.
inline void check_range(const char* name, int64_t value, int64_t low, int64_t high) {
  if (value < low || value > high)
    throw std::runtime_error(std::string(name) + ": expected " + std::to_string(low) + " to " +
                             std::to_string(high) + " on a GPU, got " + std::to_string(value));
}

// Bytes of shared memory that a block may ask for on the current GPU.
inline int shared_memory_limit(const char* op) {
  int gpu = 0, bytes = 0;
  check_cuda(cudaGetDevice(&gpu), op);
  check_cuda(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, gpu), op);
  return bytes;
}

inline bool is_aligned(const void* pointer) {
  return reinterpret_cast<uintptr_t>(pointer) % 16 == 0;
}

// Calls run(T{}) with the C++ type of `type`.
template <typename Run>
void with_float_type(FloatType type, const Run& run) {
  switch (type) {
    case FloatType::kFloat32:
      return run(float{});
    case FloatType::kBFloat16:
      return run(BFloat16{});
    case FloatType::kFloat16:
      return run(Float16{});
  }
}

// Calls run(T{}, integral_constant<values moved at once>): 16 bytes where every row of `width`
// values from `base` on is aligned to them.
template <typename Run>
void with_vector_type(FloatType type, const void* base, int64_t width, const Run& run) {
  with_float_type(type, [&](auto value) {
    constexpr int kVector = 16 / sizeof(value);
    if (is_aligned(base) && width % kVector == 0)
      run(value, std::integral_constant<int, kVector>{});
    else
      run(value, std::integral_constant<int, 1>{});
  });
}

}  // namespace serendip
