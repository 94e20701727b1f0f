// Rows of clusters grouped by cluster, and the work cut into units: the first launch of every
// kernel over interest clusters.
#pragma once

#include "kernels/cluster_softmax_topk_plan.h"
#include "kernels/warp.cuh"

namespace serendip::cluster_softmax_topk_device {

using device::kAllLanes;
using device::lane_of_thread;
using device::warp_of_thread;

// A pair counts where its cluster exists and the row has not named it before.
__device__ inline bool counts(const ClusterSoftmaxTopkInput& input, int64_t first, int64_t at) {
  const int64_t cluster = input.row_cluster[at];
  if (cluster < 0 || cluster >= input.cluster_count) return false;
  for (int64_t before = first; before < at; ++before)
    if (input.row_cluster[before] == cluster) return false;
  return true;
}

// Exclusive prefix sums over the block's threads, and the total. `shared`: kPrefixInts, for this
// call alone.
struct Prefix {
  int before, total;
};
__device__ inline Prefix block_prefix(int value, int* shared) {
  int inclusive = value;
  for (int lanes = 1; lanes < kWarpSize; lanes *= 2) {
    const int left = __shfl_up_sync(kAllLanes, inclusive, lanes);
    if (lane_of_thread() >= lanes) inclusive += left;
  }
  if (lane_of_thread() == kWarpSize - 1) shared[warp_of_thread()] = inclusive;
  __syncthreads();
  if (threadIdx.x == 0) {
    int sum = 0;
    for (int warp = 0; warp < kGroupWarps; ++warp) {
      const int count = shared[warp];
      shared[warp] = sum;
      sum += count;
    }
    shared[kGroupWarps] = sum;
  }
  __syncthreads();
  return {shared[warp_of_thread()] + inclusive - value, shared[kGroupWarps]};
}

__device__ inline int units_of(int items, int rows, const Plan& plan) {
  return ranges_of(items, plan.splits) * ((rows + plan.unit_queries - 1) / plan.unit_queries);
}

// The cluster's units, those of one range side by side: its items are then in the L2 cache for all
// but the first.
__device__ inline void list_units(const Plan& plan, int cluster, int items, int first_pair,
                                  int rows, Unit* units) {
  const int ranges = ranges_of(items, plan.splits);
  for (int range = 0; range < ranges; ++range)
    for (int first = 0; first < rows; first += plan.unit_queries) {
      const int left = rows - first;
      *units++ = {cluster, range, first_pair + first,
                  left < plan.unit_queries ? left : plan.unit_queries};
    }
}

static __global__ void __launch_bounds__(kGroupThreads)
    group_kernel(ClusterSoftmaxTopkInput input, Plan plan, Workspace work) {
  DYNAMIC_SHARED(int, shared);
  const int thread = static_cast<int>(threadIdx.x);
  const int clusters = static_cast<int>(input.cluster_count);
  for (int cluster = thread; cluster < clusters; cluster += kGroupThreads) work.cursor[cluster] = 0;
  __syncthreads();
  for (int64_t row = thread; row < input.query_count; row += kGroupThreads) {
    const int64_t first = input.row_offset[row], last = input.row_offset[row + 1];
    for (int64_t at = first; at < last; ++at) {
      work.pair_counts[at] = counts(input, first, at);
      if (work.pair_counts[at]) atomicAdd(work.cursor + input.row_cluster[at], 1);
    }
  }
  __syncthreads();
  // Every thread has a run of consecutive clusters.
  const int run = (clusters + kGroupThreads - 1) / kGroupThreads;
  const int begin = thread * run;
  const int end = begin + run < clusters ? begin + run : clusters;
  int pairs = 0, units = 0;
  for (int cluster = begin; cluster < end; ++cluster) {
    const int items = items_of(input.cluster_offset, cluster);
    pairs += work.cursor[cluster];
    units += units_of(items, work.cursor[cluster], plan);
  }
  int first_pair = block_prefix(pairs, shared).before;
  const Prefix unit_prefix = block_prefix(units, shared + kPrefixInts);
  int first_unit = unit_prefix.before;
  if (thread == 0) *work.unit_count = unit_prefix.total;
  for (int cluster = begin; cluster < end; ++cluster) {
    const int items = items_of(input.cluster_offset, cluster);
    const int rows = work.cursor[cluster];
    list_units(plan, cluster, items, first_pair, rows, work.units + first_unit);
    work.cursor[cluster] = work.group_begin[cluster] = first_pair;
    first_pair += rows;
    first_unit += units_of(items, rows, plan);
  }
  __syncthreads();
  for (int64_t row = thread; row < input.query_count; row += kGroupThreads)
    for (int64_t at = input.row_offset[row]; at < input.row_offset[row + 1]; ++at)
      if (work.pair_counts[at]) {
        const int place = atomicAdd(work.cursor + input.row_cluster[at], 1);
        work.group_pair[place] = static_cast<int>(at);
        work.group_row[place] = static_cast<int>(row);
      }
}

}  // namespace serendip::cluster_softmax_topk_device
