// The device code of cluster_softmax_topk. One block a query. Each warp walks every kWarps-th item
// of the query's clusters, its lanes sharing the dot product; it keeps a running (max, sum) and its
// k best in shared memory. At the end one thread merges the warps.
#pragma once

#include "kernels/cluster_softmax_topk.h"
#ifdef SERENDIP_CUDA_ON_HOST
#include "tests/kernels/cuda_on_host.h"
#else
#include "kernels/cuda_on_device.h"
#endif

namespace serendip::cluster_softmax_topk_device {

constexpr int kWarpSize = 32, kWarps = 8;
constexpr unsigned kAllLanes = 0xffffffffu;

__device__ inline float warp_sum(float value) {
  for (int offset = kWarpSize / 2; offset > 0; offset /= 2)
    value += __shfl_xor_sync(kAllLanes, value, offset);
  return value;
}

__device__ inline bool better(float score, int64_t id, float other_score, int64_t other_id) {
  return score > other_score || (score == other_score && id < other_id);
}

// True when row_cluster[at] occurs in [first, at).
__device__ inline bool named_before(const int64_t* row_cluster, int64_t first, int64_t at) {
  for (int64_t before = first; before < at; ++before)
    if (row_cluster[before] == row_cluster[at]) return true;
  return false;
}

// Inserts into the descending list of at most k; returns its new length.
__device__ inline int insert_candidate(float* scores, int64_t* ids, int held, int k, float score,
                                       int64_t id) {
  if (held == k && !better(score, id, scores[k - 1], ids[k - 1])) return held;
  int place = held < k ? held : k - 1;
  for (; place > 0 && better(score, id, scores[place - 1], ids[place - 1]); --place) {
    scores[place] = scores[place - 1];
    ids[place] = ids[place - 1];
  }
  scores[place] = score;
  ids[place] = id;
  return held < k ? held + 1 : k;
}

// Views into the dynamic shared memory; shared_bytes_of() is its size.
struct SharedState {
  int64_t* ids;   // [kWarps, k]
  float* scores;  // [kWarps, k]
  float* query;   // [d]
};

inline size_t shared_bytes_of(int64_t width, int64_t k) {
  return static_cast<size_t>(kWarps * k) * (sizeof(int64_t) + sizeof(float)) +
         static_cast<size_t>(width) * sizeof(float);
}

__device__ inline void write_row(const SharedState& state, const int* held, const float* max,
                                 const float* sum, int k, int64_t row,
                                 ClusterSoftmaxTopkOutput output) {
  float row_max = -INFINITY, row_sum = 0.0f;
  for (int warp = 0; warp < kWarps; ++warp) row_max = fmaxf(row_max, max[warp]);
  for (int warp = 0; warp < kWarps; ++warp)
    if (held[warp] > 0) row_sum += sum[warp] * expf(max[warp] - row_max);
  const float log_z = row_sum > 0.0f ? row_max + logf(row_sum) : -INFINITY;
  output.log_z[row] = log_z;
  int next[kWarps] = {};
  for (int rank = 0; rank < k; ++rank) {
    int winner = -1;
    for (int warp = 0; warp < kWarps; ++warp) {
      if (next[warp] == held[warp]) continue;
      const int mine = warp * k + next[warp];
      const int best = winner < 0 ? mine : winner * k + next[winner];
      if (winner < 0 ||
          better(state.scores[mine], state.ids[mine], state.scores[best], state.ids[best]))
        winner = warp;
    }
    const int64_t place = row * k + rank;
    output.ids[place] = winner < 0 ? -1 : state.ids[winner * k + next[winner]];
    output.log_prob[place] =
        winner < 0 ? -INFINITY : state.scores[winner * k + next[winner]] - log_z;
    if (winner >= 0) ++next[winner];
  }
}

__global__ void __launch_bounds__(kWarps* kWarpSize)
    cluster_softmax_topk_kernel(ClusterSoftmaxTopkInput input, ClusterSoftmaxTopkOutput output) {
  DYNAMIC_SHARED(int64_t, shared_memory);
  __shared__ float warp_max[kWarps], warp_total[kWarps];
  __shared__ int warp_held[kWarps];
  const int k = static_cast<int>(input.k);
  const int width = static_cast<int>(input.width);
  SharedState state;
  state.ids = shared_memory;
  state.scores = reinterpret_cast<float*>(state.ids + kWarps * k);
  state.query = state.scores + kWarps * k;

  const int64_t row = blockIdx.x;
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  for (int column = static_cast<int>(threadIdx.x); column < width; column += kWarps * kWarpSize)
    state.query[column] = input.query[row * width + column];
  __syncthreads();

  float max = -INFINITY, sum = 0.0f;
  int held = 0;
  const int64_t first = input.row_offset[row], last = input.row_offset[row + 1];
  for (int64_t at = first; at < last; ++at) {
    if (named_before(input.row_cluster, first, at)) continue;
    const int64_t cluster = input.row_cluster[at];
    for (int64_t item = input.cluster_offset[cluster] + warp;
         item < input.cluster_offset[cluster + 1]; item += kWarps) {
      const float* embedding = input.item_embedding + item * width;
      float partial = 0.0f;
      for (int column = lane; column < width; column += kWarpSize)
        partial += state.query[column] * embedding[column];
      const float score = warp_sum(partial);
      const float larger = fmaxf(max, score);
      sum = sum * expf(max - larger) + expf(score - larger);
      max = larger;
      if (lane == 0)
        held =
            insert_candidate(state.scores + warp * k, state.ids + warp * k, held, k, score, item);
    }
  }
  if (lane == 0) {
    warp_max[warp] = max;
    warp_total[warp] = sum;
    warp_held[warp] = held;
  }
  __syncthreads();
  if (threadIdx.x == 0) write_row(state, warp_held, warp_max, warp_total, k, row, output);
}

}  // namespace serendip::cluster_softmax_topk_device
