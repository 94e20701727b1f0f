// The device code of cluster_softmax_topk (contract: kernels/cluster_softmax_topk.h).
//
// Three launches:
//   group  one block sorts the (row, cluster) pairs by cluster and lists the units of work: a range
//          of a cluster's items against up to unit_queries of the rows that name it
//   score  one block a unit: items stream through shared memory once, tensor cores multiply them
//          with the unit's queries, and each tile of scores is folded into the row's running
//          maximum, sum of exponentials and k best; one partial result a (pair, range)
//   merge  one warp, a block of its own, a row: its partial results become ids, log_prob and log_z
// Neither [B, N] nor [B, items of a cluster] scores are ever kept.
#pragma once

#include "kernels/block.cuh"
#include "kernels/cluster_groups.cuh"

namespace serendip::cluster_softmax_topk_device {

using device::BestList;
using device::load_piece;

// ---- score -------------------------------------------------------------------------------------

// Views of a block's shared memory, as shared_layout() has it.
template <typename T>
struct ScoreShared {
  T* items;                      // [kStages, kTileItems, chunk stride]
  T* queries;                    // [unit_queries, query stride]
  float* scores;                 // [unit_queries, kScoreStride]
  float *max, *sum, *threshold;  // [unit_queries]

  __device__ ScoreShared(char* memory, const Plan& plan) {
    const SharedLayout layout = shared_layout(plan, static_cast<int>(sizeof(T)));
    items = reinterpret_cast<T*>(memory);
    queries = reinterpret_cast<T*>(memory + layout.queries);
    scores = reinterpret_cast<float*>(memory + layout.scores);
    max = reinterpret_cast<float*>(memory + layout.state);
    sum = max + plan.unit_queries;
    threshold = sum + plan.unit_queries;
  }
};

template <typename T>
__device__ void load_queries(const ClusterSoftmaxTopkInput& input, const Plan& plan,
                             const Workspace& work, const Unit& unit, T* queries) {
  constexpr int kPiece = 16 / sizeof(T);
  const int pieces = plan.padded_width / kPiece, width = static_cast<int>(input.width);
  for (int at = static_cast<int>(threadIdx.x); at < unit.count * pieces; at += kScoreThreads) {
    const int query = at / pieces, column = at % pieces * kPiece;
    const int64_t row = work.group_row[unit.first + query];
    load_piece(queries + query * plan.query_stride + column,
               static_cast<const T*>(input.query) + row * width, column, width);
  }
}

// Columns [column, column + columns) of `count` items; none where count is not positive.
template <typename T>
__device__ void load_items(const T* items, int count, int column, int columns, int width,
                           T* stage) {
  constexpr int kPiece = 16 / sizeof(T), kStride = chunk_stride(sizeof(T));
  const int pieces = columns / kPiece;
  for (int at = static_cast<int>(threadIdx.x); at < count * pieces; at += kScoreThreads) {
    const int item = at / pieces, piece = at % pieces * kPiece;
    load_piece(stage + item * kStride + piece, items + static_cast<int64_t>(item) * width,
               column + piece, width);
  }
}

// Inserts those of a tile's scores (each lane has kEach) that are above the k-th best, `bar`;
// returns the new one. Items come in ascending order, so that among equal scores the new one is
// last.
template <int kSlots, int kEach>
__device__ float insert_scores(const float (&mine)[kEach], int first_item, int k, float bar,
                               float* best_score, int* best_item) {
  BestList<int, kSlots> best;
  if (first_item == 0)
    best.clear();
  else
    best.load(best_score, best_item, k);
  for (int i = 0; i < kEach; ++i) {
    best.insert_where(mine[i] > bar, mine[i], first_item + i * kWarpSize + lane_of_thread());
    bar = best.score_at(k - 1);
  }
  best.store(best_score, best_item, k);
  return bar;
}

// Folds a tile's scores of one query, the first `count` of them, into its running state; all lanes
// of a warp. Without slots no list is kept.
template <int kSlots>
__device__ void fold_scores(const float* scores, int count, int first_item, int k, float* max,
                            float* sum, float* threshold, float* best_score, int* best_item) {
  constexpr int kEach = kTileItems / kWarpSize;
  float mine[kEach];
  float lane_max = -INFINITY;
  for (int i = 0; i < kEach; ++i) {
    const int item = i * kWarpSize + lane_of_thread();
    mine[i] = item < count ? scores[item] : -INFINITY;
    lane_max = fmaxf(lane_max, mine[i]);
  }
  const float old_max = *max, old_sum = *sum;
  float bar = *threshold;
  const float new_max = fmaxf(old_max, device::warp_max(lane_max));
  float tile_sum = 0;
  for (int i = 0; i < kEach; ++i) tile_sum += expf(mine[i] - new_max);
  tile_sum = device::warp_sum(tile_sum);
  if constexpr (kSlots > 0)
    if (__any_sync(kAllLanes, lane_max > bar))
      bar = insert_scores<kSlots>(mine, first_item, k, bar, best_score, best_item);
  if (lane_of_thread() == 0) {
    *max = new_max;
    *sum = old_sum * expf(old_max - new_max) + tile_sum;
    *threshold = bar;
  }
}

template <typename T, int kSlots>
__global__ void __launch_bounds__(kScoreThreads, sizeof(T) == 4 ? 2 : 3)
    score_kernel(ClusterSoftmaxTopkInput input, Plan plan, Workspace work) {
  DYNAMIC_SHARED(char, memory);
  if (static_cast<int>(blockIdx.x) >= *work.unit_count) return;
  const Unit unit = work.units[blockIdx.x];
  const ScoreShared<T> shared(memory, plan);
  constexpr int kChunk = chunk_columns(sizeof(T)), kStride = chunk_stride(sizeof(T));
  const int width = static_cast<int>(input.width), k = static_cast<int>(input.k);
  const int cluster_items = items_of(input.cluster_offset, unit.cluster);
  const int length = range_length(cluster_items, plan.splits), first = unit.range * length;
  const int range_count = cluster_items - first < length ? cluster_items - first : length;
  const T* items = static_cast<const T*>(input.item_embedding) +
                   (input.cluster_offset[unit.cluster] + first) * width;
  const int chunks = (plan.padded_width + kChunk - 1) / kChunk;
  const int steps = (range_count + kTileItems - 1) / kTileItems * chunks;

  const auto issue = [&](int step) {
    const int tile = step / chunks * kTileItems, column = step % chunks * kChunk;
    const int count = range_count - tile, columns = plan.padded_width - column;
    load_items(items + static_cast<int64_t>(tile) * width, count < kTileItems ? count : kTileItems,
               column, columns < kChunk ? columns : kChunk, width,
               shared.items + step % kStages * (kTileItems * kStride));
    device::copy_async_commit();
  };

  const int thread = static_cast<int>(threadIdx.x);
  if (thread < unit.count) {
    shared.max[thread] = -INFINITY;
    shared.sum[thread] = 0;
    shared.threshold[thread] = -INFINITY;
  }
  load_queries(input, plan, work, unit, shared.queries);
  for (int step = 0; step < kStages - 1; ++step) issue(step);
  for (int step = 0; step < steps; ++step) {
    device::copy_async_wait<kStages - 2>();
    __syncthreads();
    issue(step + kStages - 1);
    const int column = step % chunks * kChunk, columns = plan.padded_width - column;
    for (int query = 0; query < unit.count; query += kQueryTile)
      device::tile_product<device::Product::kRowsByRows>(
          shared.queries + query * plan.query_stride + column, plan.query_stride,
          shared.items + step % kStages * (kTileItems * kStride) +
              warp_of_thread() * kItemTile * kStride,
          kStride, shared.scores + query * kScoreStride + warp_of_thread() * kItemTile,
          kScoreStride, columns < kChunk ? columns : kChunk, column > 0);
    if (step % chunks != chunks - 1) continue;
    __syncthreads();
    const int tile = step / chunks * kTileItems;
    for (int query = warp_of_thread(); query < unit.count; query += kScoreWarps) {
      const int64_t part =
          static_cast<int64_t>(work.group_pair[unit.first + query]) * plan.splits + unit.range;
      fold_scores<kSlots>(shared.scores + query * kScoreStride, range_count - tile, tile, k,
                          shared.max + query, shared.sum + query, shared.threshold + query,
                          work.best_score + part * k, work.best_item + part * k);
    }
  }
  __syncthreads();
  if (thread < unit.count) {
    const int64_t part =
        static_cast<int64_t>(work.group_pair[unit.first + thread]) * plan.splits + unit.range;
    work.part_max[part] = shared.max[thread];
    work.part_sum[part] = shared.sum[thread];
  }
}

// ---- merge -------------------------------------------------------------------------------------

template <int kSlots>
__global__ void __launch_bounds__(kMergeThreads)
    merge_kernel(ClusterSoftmaxTopkInput input, Plan plan, Workspace work,
                 ClusterSoftmaxTopkOutput output) {
  const int64_t row = blockIdx.x;
  using List = BestList<int64_t, kSlots>;
  const int k = static_cast<int>(input.k);
  device::LogSumExp sum;
  List best;
  best.clear();
  for (int64_t at = input.row_offset[row]; at < input.row_offset[row + 1]; ++at) {
    const bool counted = work.pair_counts[at] != 0;
    const int64_t cluster = counted ? input.row_cluster[at] : 0;
    const int items = counted ? items_of(input.cluster_offset, cluster) : 0;
    const int ranges = ranges_of(items, plan.splits), length = range_length(items, plan.splits);
    const int64_t first_part = at * plan.splits;
    for (int range = lane_of_thread(); range < ranges; range += kWarpSize)
      sum.add({work.part_max[first_part + range], work.part_sum[first_part + range]});
    for (int begin = 0; begin < ranges * k; begin += kWarpSize) {
      const int entry = begin + lane_of_thread(), first_item = entry / k * length;
      static_assert(kMaxK <= kRangeGrain);  // all ranges but the last hold k items or more
      const bool valid = entry < ranges * k && entry % k < items - first_item;
      const int64_t place = first_part * k + (valid ? entry : 0);
      const float score = valid ? work.best_score[place] : -INFINITY;
      const int64_t id =
          valid ? input.cluster_offset[cluster] + first_item + work.best_item[place] : List::kNone;
      best.insert_where(best.before_last(score, id, k), score, id);
    }
  }
  const float log_z = device::warp_log_sum_exp(sum).log();
  for (int slot = 0; slot < kSlots; ++slot) {
    const int i = slot * kWarpSize + lane_of_thread();
    if (i >= k) continue;
    const bool found = best.id[slot] != List::kNone;
    output.ids[row * k + i] = found ? best.id[slot] : -1;
    output.log_prob[row * k + i] = found ? best.score[slot] - log_z : -INFINITY;
  }
  if (lane_of_thread() == 0) output.log_z[row] = log_z;
}

}  // namespace serendip::cluster_softmax_topk_device
