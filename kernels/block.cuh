// What the threads of a block do together: vectors of values, and sums of exponentials.
#pragma once

#include "kernels/float_types.h"
#include "kernels/warp.cuh"

namespace serendip::device {

// kCount values moved by one instruction.
template <typename T, int kCount>
struct alignas(sizeof(T) * kCount) Pack {
  T value[kCount];
};

template <typename T, int kCount>
__device__ inline Pack<T, kCount> load_pack(const T* source) {
  return *reinterpret_cast<const Pack<T, kCount>*>(source);
}

template <typename T, int kCount>
__device__ inline void store_pack(T* target, const Pack<T, kCount>& pack) {
  *reinterpret_cast<Pack<T, kCount>*>(target) = pack;
}

// Begins to copy 16 bytes of a row, from column on, to shared memory: zeros past its end.
template <typename T>
__device__ inline void load_piece(T* target, const T* row, int column, int width) {
  if (column < width) {
    copy_async_16(target, row + column);
  } else {
    constexpr int kPiece = 16 / sizeof(T);
    for (int i = 0; i < kPiece; ++i) target[i] = T{};
  }
}

// Σ exp(x) = total · exp(max).
struct LogSumExp {
  float max = -INFINITY, total = 0;

  __device__ float log() const { return max + logf(total); }
  __device__ void add(const LogSumExp& other) {
    if (other.total == 0) return;
    const float larger = fmaxf(max, other.max);
    total = total * expf(max - larger) + other.total * expf(other.max - larger);
    max = larger;
  }
};

// The same to the bit in every lane.
__device__ inline LogSumExp warp_log_sum_exp(const LogSumExp& mine) {
  const float max = warp_max(mine.max);
  return {max, warp_sum(mine.total == 0 ? 0 : mine.total * expf(mine.max - max))};
}

constexpr size_t kBlockSharedBytes = 2 * kLanes * sizeof(float);

// Of `count` values, in every thread of a block of kThreads. `shared`: kBlockSharedBytes, which may
// be written again after the next barrier.
template <typename T, int kVector, int kThreads>
__device__ LogSumExp block_log_sum_exp(const T* values, int64_t count, float* shared) {
  LogSumExp mine;
  for (int64_t at = static_cast<int64_t>(threadIdx.x) * kVector; at < count;
       at += kThreads * kVector) {
    const Pack<T, kVector> pack = load_pack<T, kVector>(values + at);
    float largest = to_float(pack.value[0]);
    for (int i = 1; i < kVector; ++i) largest = fmaxf(largest, to_float(pack.value[i]));
    LogSumExp few{largest, 0};
    for (int i = 0; i < kVector; ++i) few.total += expf(to_float(pack.value[i]) - largest);
    mine.add(few);
  }
  mine = warp_log_sum_exp(mine);
  if (lane_of_thread() == 0) {
    shared[warp_of_thread()] = mine.max;
    shared[kLanes + warp_of_thread()] = mine.total;
  }
  __syncthreads();
  LogSumExp sum;
  for (int warp = 0; warp < kThreads / kLanes; ++warp)
    sum.add({shared[warp], shared[kLanes + warp]});
  return sum;
}

}  // namespace serendip::device
