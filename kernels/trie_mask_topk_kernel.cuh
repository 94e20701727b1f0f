// The device code of trie_mask_topk (contract: kernels/trie_mask_topk.h). One block a row: the
// whole row is read once for its sum; its first warp then gathers the children. Torch would write
// the log-softmax of [T, V] to read a handful of values of it.
#pragma once

#include "kernels/block.cuh"
#include "kernels/trie_mask_topk.h"

namespace serendip::trie_mask_topk_device {

constexpr int kThreads = 256;
constexpr int64_t kMaxK = 256;

inline size_t shared_bytes() { return device::kBlockSharedBytes; }

template <typename T, int kVector, int kSlots>
__global__ void __launch_bounds__(kThreads)
    trie_mask_topk_kernel(TrieMaskTopkInput input, TrieMaskTopkOutput output) {
  DYNAMIC_SHARED(float, shared);
  const int64_t row = blockIdx.x;
  const T* logits = static_cast<const T*>(input.logits) + row * input.vocabulary;
  const float log_z =
      device::block_log_sum_exp<T, kVector, kThreads>(logits, input.vocabulary, shared).log();
  if (device::warp_of_thread() > 0) return;

  const int k = static_cast<int>(input.k), lane = device::lane_of_thread();
  const int64_t first = input.child_offset[row];
  const int children = static_cast<int>(input.child_offset[row + 1] - first);
  device::BestList<int, kSlots> best;
  best.clear();
  for (int begin = 0; begin < children; begin += device::kLanes) {
    const int child = begin + lane;
    const bool inside = child < children;
    const float score = inside ? to_float(logits[input.child_token[first + child]]) : -INFINITY;
    best.insert_where(best.before_last(score, inside ? child : best.kNone, k), score, child);
  }
  for (int slot = 0; slot < kSlots; ++slot) {
    const int place = best.place_of(slot);
    if (place >= k) continue;
    const bool found = best.id[slot] != best.kNone;
    output.child[row * k + place] = found ? best.id[slot] : -1;
    output.log_prob[row * k + place] = found ? best.score[slot] - log_z : -INFINITY;
  }
  if (lane == 0) output.log_z[row] = log_z;
}

}  // namespace serendip::trie_mask_topk_device
