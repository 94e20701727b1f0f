// The device code of token_cross_entropy (contract: kernels/token_cross_entropy.h). One block a
// row: the row is read twice, the second time most likely from the L2 cache, and written once. No
// library call does this in place: cuBLAS ends at the logits, and log_softmax with its backward
// keeps two more [T, V] buffers.
#pragma once

#include "kernels/block.cuh"
#include "kernels/token_cross_entropy.h"

namespace serendip::token_cross_entropy_device {

constexpr int kThreads = 512;

inline size_t shared_bytes() { return device::kBlockSharedBytes; }

// kVector values are moved at once: 16 bytes where rows are 16-byte aligned, else 1 value.
template <typename T, int kVector>
__global__ void __launch_bounds__(kThreads)
    token_cross_entropy_kernel(TokenCrossEntropyInput input, float* loss) {
  DYNAMIC_SHARED(float, shared);
  const int64_t row = blockIdx.x, vocabulary = input.vocabulary;
  const int thread = static_cast<int>(threadIdx.x);
  T* logits = static_cast<T*>(input.logits) + row * vocabulary;
  const device::LogSumExp sum =
      device::block_log_sum_exp<T, kVector, kThreads>(logits, vocabulary, shared);

  const int64_t first = input.target_offset[row], last = input.target_offset[row + 1];
  float row_weight = 0;
  for (int64_t i = first; i < last; ++i) row_weight += input.weight[i];
  for (int64_t i = first + thread; i < last; i += kThreads)
    loss[i] = sum.log() - to_float(logits[input.target[i]]);
  __syncthreads();  // targets are read before they are overwritten

  const float scale = row_weight / sum.total;
  for (int64_t at = thread * kVector; at < vocabulary; at += kThreads * kVector) {
    device::Pack<T, kVector> values = device::load_pack<T, kVector>(logits + at);
    for (int i = 0; i < kVector; ++i)
      values.value[i] = from_float<T>(scale * expf(to_float(values.value[i]) - sum.max));
    device::store_pack(logits + at, values);
  }
  __syncthreads();
  // Of a token that several samples want, every copy writes the same value.
  for (int64_t i = first + thread; i < last; i += kThreads) {
    float wanted = 0;
    for (int64_t other = first; other < last; ++other)
      if (input.target[other] == input.target[i]) wanted += input.weight[other];
    logits[input.target[i]] = from_float<T>(row_weight * expf(-loss[i]) - wanted);
  }
}

}  // namespace serendip::token_cross_entropy_device
