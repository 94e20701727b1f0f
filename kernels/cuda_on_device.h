// The few words that kernels use beside CUDA's own, so that the same source also runs on the CPU in
// tests: tests/kernels/cuda_on_host.h has their other bodies, which check what is said here, and
// CUDA's words that a kernel may use.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <math.h>
#include <mma.h>

#include <cstdint>
#include <type_traits>

#include "kernels/float_types.h"

// Declares `type* name`, the launch's dynamic shared memory, aligned to 128 bytes. Kernels use no
// other shared memory.
#define DYNAMIC_SHARED(type, name)                                          \
  extern __shared__ __align__(128) unsigned char serendip_dynamic_shared[]; \
  type* name = reinterpret_cast<type*>(serendip_dynamic_shared)

namespace serendip::device {

// Begins to copy 16 bytes from global to shared memory, both aligned to 16 bytes. The thread must
// commit the copy and wait for it before it reads them or returns; other threads read them after a
// barrier that follows the wait. sm_80 or later.
__device__ inline void copy_async_16(void* shared, const void* global) {
  const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to),
               "l"(__cvta_generic_to_global(global))
               : "memory");
}

// Makes a group of the copies that this thread has issued since its last group, perhaps of none.
__device__ inline void copy_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most the latest `Pending` groups of this thread are outstanding.
template <int Pending>
__device__ inline void copy_async_wait() {
  static_assert(Pending >= 0);
  asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory");
}

// How a tile_product() reads its factors, which lie in shared memory row-major:
//   kRowsByRows        C = A · Bᵀ   A [16, depth]   B [16, depth]
//   kRowsByColumns     C = A · B    A [16, depth]   B [depth, 16]
//   kColumnsByColumns  C = Aᵀ · B   A [depth, 16]   B [depth, 16]
enum class Product { kRowsByRows, kRowsByColumns, kColumnsByColumns };

constexpr int kTileSide = 16;

template <typename T>
struct TensorCoreTypeOf;
template <>
struct TensorCoreTypeOf<BFloat16> {
  using Type = __nv_bfloat16;
};
template <>
struct TensorCoreTypeOf<Float16> {
  using Type = __half;
};

template <bool kARows, bool kBRows, typename T>
__device__ inline void tensor_core_tile_product(const T* a, int a_stride, const T* b, int b_stride,
                                                float* c, int c_stride, int depth,
                                                bool accumulate) {
  namespace wmma = nvcuda::wmma;
  using Narrow = typename TensorCoreTypeOf<T>::Type;
  using ALayout = std::conditional_t<kARows, wmma::row_major, wmma::col_major>;
  using BLayout = std::conditional_t<kBRows, wmma::col_major, wmma::row_major>;
  wmma::fragment<wmma::matrix_a, kTileSide, kTileSide, kTileSide, Narrow, ALayout> left;
  wmma::fragment<wmma::matrix_b, kTileSide, kTileSide, kTileSide, Narrow, BLayout> right;
  wmma::fragment<wmma::accumulator, kTileSide, kTileSide, kTileSide, float> sum;
  if (accumulate)
    wmma::load_matrix_sync(sum, c, static_cast<unsigned>(c_stride), wmma::mem_row_major);
  else
    wmma::fill_fragment(sum, 0.0f);
  for (int place = 0; place < depth; place += kTileSide) {
    wmma::load_matrix_sync(left,
                           reinterpret_cast<const Narrow*>(a + place * (kARows ? 1 : a_stride)),
                           static_cast<unsigned>(a_stride));
    wmma::load_matrix_sync(right,
                           reinterpret_cast<const Narrow*>(b + place * (kBRows ? 1 : b_stride)),
                           static_cast<unsigned>(b_stride));
    wmma::mma_sync(sum, left, right, sum);
  }
  wmma::store_matrix_sync(c, sum, static_cast<unsigned>(c_stride), wmma::mem_row_major);
}

// A lane's share of the 16 rows or columns of C on one side: kCount of them, spread out where the
// factor has them as rows, neighbours where it has them as columns, so that the lanes that a read
// serves at once touch neighbouring rows, or one row.
template <bool kRows, int kCount>
struct TileShare {
  static constexpr int kDepth = 4;
  int part;  // in [0, 16 / kCount)

  __device__ int at(int i) const {
    return kRows ? part + i * (kTileSide / kCount) : part * kCount + i;
  }

  // values[step][i] for depths place … place + 3.
  __device__ void load(const float* tile, int stride, int place,
                       float (&values)[kDepth][kCount]) const {
    struct alignas(kCount * sizeof(float)) Neighbours {
      float value[kCount];
    };
    if constexpr (kRows) {
#pragma unroll
      for (int i = 0; i < kCount; ++i) {
        const float4 four = *reinterpret_cast<const float4*>(tile + at(i) * stride + place);
        values[0][i] = four.x;
        values[1][i] = four.y;
        values[2][i] = four.z;
        values[3][i] = four.w;
      }
    } else {
#pragma unroll
      for (int step = 0; step < kDepth; ++step) {
        const auto some =
            *reinterpret_cast<const Neighbours*>(tile + (place + step) * stride + at(0));
#pragma unroll
        for (int i = 0; i < kCount; ++i) values[step][i] = some.value[i];
      }
    }
  }
};

template <bool kARows, bool kBRows>
__device__ inline void float_tile_product(const float* a, int a_stride, const float* b,
                                          int b_stride, float* c, int c_stride, int depth,
                                          bool accumulate) {
  constexpr int kRows = 2, kColumns = 4, kDepth = 4;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const TileShare<kARows, kRows> rows{lane / kColumns};
  const TileShare<kBRows, kColumns> columns{lane % kColumns};
  float sum[kRows][kColumns] = {};
  for (int place = 0; place < depth; place += kDepth) {
    float left[kDepth][kRows], right[kDepth][kColumns];
    rows.load(a, a_stride, place, left);
    columns.load(b, b_stride, place, right);
#pragma unroll
    for (int step = 0; step < kDepth; ++step)
#pragma unroll
      for (int row = 0; row < kRows; ++row)
#pragma unroll
        for (int column = 0; column < kColumns; ++column)
          sum[row][column] = fmaf(left[step][row], right[step][column], sum[row][column]);
  }
#pragma unroll
  for (int row = 0; row < kRows; ++row)
#pragma unroll
    for (int column = 0; column < kColumns; ++column) {
      float& target = c[rows.at(row) * c_stride + columns.at(column)];
      target = accumulate ? target + sum[row][column] : sum[row][column];
    }
}

// C [16, 16] = the product of tiles A and B (see Product), or C + the product where `accumulate`;
// all row-major in shared memory, summed in float32. T is float, BFloat16 or Float16; narrow types
// use the tensor cores. Called by all 32 lanes of a warp with the same arguments; what they wrote
// to A, B and C before is seen, and C is seen by all of them after. C must overlap neither A nor B.
//
// Strides are in elements, multiples of 8 and no less than the width of their rows; depth is a
// positive multiple of 16 (pad with zeros). Pointers are aligned to 32 bytes, for float to 16. With
// strides of 8 more than a multiple of 16, factors by rows are read without bank conflicts.
template <Product kProduct = Product::kRowsByRows, typename T>
__device__ inline void tile_product(const T* a, int a_stride, const T* b, int b_stride, float* c,
                                    int c_stride, int depth, bool accumulate = false) {
  constexpr bool kARows = kProduct != Product::kColumnsByColumns;
  constexpr bool kBRows = kProduct == Product::kRowsByRows;
  __syncwarp();
  if constexpr (std::is_same_v<T, float>)
    float_tile_product<kARows, kBRows>(a, a_stride, b, b_stride, c, c_stride, depth, accumulate);
  else
    tensor_core_tile_product<kARows, kBRows>(a, a_stride, b, b_stride, c, c_stride, depth,
                                             accumulate);
  __syncwarp();
}

}  // namespace serendip::device
