// A warp's matrix product in shared memory: the host body of that of kernels/cuda_on_device.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>

#include "base/random.h"
#include "kernels/float_types.h"
#include "tests/kernels/cuda_on_host/block.h"

namespace cuda_on_host {

constexpr int kTileSide = 16;

// A row-major tile [height, width] as an argument called `name`.
template <typename T>
void check_tile(const Block& block, const Call& call, const std::string& name, const T* tile,
                int stride, int height, int width, size_t alignment) {
  if (stride % 8 != 0 || stride < width)
    block.fail(call, name + "_stride: expected a multiple of 8, at least " + std::to_string(width) +
                         ", got " + std::to_string(stride));
  if (reinterpret_cast<uintptr_t>(tile) % alignment != 0)
    block.fail(call, name + " is not aligned to " + std::to_string(alignment) + " bytes");
  const size_t elements =
      static_cast<size_t>(height - 1) * static_cast<size_t>(stride) + static_cast<size_t>(width);
  if (!block.is_shared(tile, elements * sizeof(T)))
    block.fail(call, name + " is not all in shared memory");
}

// One number for what all lanes must pass alike.
inline uint64_t fingerprint_of(std::initializer_list<uint64_t> arguments) {
  uint64_t bits = 0;
  for (const uint64_t argument : arguments) bits = serendip::mix_bits(bits ^ argument);
  return bits;
}

}  // namespace cuda_on_host

namespace serendip::device {

enum class Product { kRowsByRows, kRowsByColumns, kColumnsByColumns };

// Throws when the contract in kernels/cuda_on_device.h is broken, and when lanes pass different
// arguments.
template <Product kProduct = Product::kRowsByRows, typename T>
void tile_product(const T* a, int a_stride, const T* b, int b_stride, float* c, int c_stride,
                  int depth, bool accumulate = false,
                  cuda_on_host::Source source = cuda_on_host::Source::here()) {
  using cuda_on_host::kTileSide;
  constexpr bool kARows = kProduct != Product::kColumnsByColumns;
  constexpr bool kBRows = kProduct == Product::kRowsByRows;
  cuda_on_host::Block& block = cuda_on_host::running();
  const cuda_on_host::Call call{"tile_product", source};
  if (depth <= 0 || depth % kTileSide != 0)
    block.fail(call, "depth: expected a positive multiple of 16, got " + std::to_string(depth));
  constexpr size_t kAlignment = std::is_same_v<T, float> ? 16 : 32;
  const auto check = [&](const char* name, const auto* tile, int stride, int height, int width) {
    cuda_on_host::check_tile(block, call, name, tile, stride, height, width, kAlignment);
  };
  check("a", a, a_stride, kARows ? kTileSide : depth, kARows ? depth : kTileSide);
  check("b", b, b_stride, kBRows ? kTileSide : depth, kBRows ? depth : kTileSide);
  check("c", c, c_stride, kTileSide, kTileSide);

  constexpr unsigned kAllLanes = 0xffffffffu;
  const uint64_t fingerprint = cuda_on_host::fingerprint_of(
      {reinterpret_cast<uintptr_t>(a), static_cast<uint64_t>(a_stride),
       reinterpret_cast<uintptr_t>(b), static_cast<uint64_t>(b_stride),
       reinterpret_cast<uintptr_t>(c), static_cast<uint64_t>(c_stride),
       static_cast<uint64_t>(depth), static_cast<uint64_t>(accumulate)});
  if (block.exchange(kAllLanes, fingerprint, 0, call) != fingerprint)
    block.fail(call, "the arguments differ from those of the warp's lane 0");

  // Lane l computes rows l / 4 and l / 4 + 8 of columns l % 4, l % 4 + 4, …
  constexpr int kRows = 2, kColumns = 4;
  const int lane = static_cast<int>(block.lane());
  int row[kRows], column[kColumns];
  for (int i = 0; i < kRows; ++i) row[i] = lane / kColumns + i * (kTileSide / kRows);
  for (int j = 0; j < kColumns; ++j) column[j] = lane % kColumns + j * (kTileSide / kColumns);
  double sum[kRows][kColumns] = {};
  for (int place = 0; place < depth; ++place) {
    double left[kRows];
    for (int i = 0; i < kRows; ++i)
      left[i] = to_float(kARows ? a[row[i] * a_stride + place] : a[place * a_stride + row[i]]);
    for (int j = 0; j < kColumns; ++j) {
      const double right =
          to_float(kBRows ? b[column[j] * b_stride + place] : b[place * b_stride + column[j]]);
      for (int i = 0; i < kRows; ++i) sum[i][j] += left[i] * right;
    }
  }
  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kColumns; ++j) {
      float& target = c[row[i] * c_stride + column[j]];
      target = static_cast<float>(accumulate ? target + sum[i][j] : sum[i][j]);
    }
  block.exchange(kAllLanes, 0, 0, call);
}

}  // namespace serendip::device
