// The device code of cluster_log_softmax (contract: kernels/cluster_log_softmax.h).
//
// Forward: group_kernel and score_kernel of cluster_softmax_topk without lists, then
// log_prob_kernel. Backward: group_kernel, then two kernels that compute the scores again, tile by
// tile:
//   grad_item_kernel    one block 32 items, over all rows that name their cluster: no sum is shared
//                       between blocks, so that the result does not depend on their order
//   grad_part_kernel    one block a unit (a range of items against 16 rows): Σ p · item of each
//   grad_query_kernel   one block a row adds its parts up
#pragma once

#include "kernels/cluster_log_softmax.h"
#include "kernels/cluster_softmax_topk_kernel.cuh"

namespace serendip::cluster_log_softmax_device {

using cluster_softmax_topk_device::items_of;
using cluster_softmax_topk_device::kWarpSize;
using cluster_softmax_topk_device::load_piece;
using cluster_softmax_topk_device::Plan;
using cluster_softmax_topk_device::range_length;
using cluster_softmax_topk_device::ranges_of;
using cluster_softmax_topk_device::Unit;
using cluster_softmax_topk_device::Workspace;
using device::lane_of_thread;
using device::Product;
using device::warp_of_thread;

constexpr int kThreads = 256, kWarps = kThreads / kWarpSize;
constexpr int kSide = 16;                  // of a tensor-core product
constexpr int kItems = 32, kQueries = 16;  // of a tile of scores
constexpr int kItemSides = kItems / kSide;
constexpr int kDepthParts = kWarps / kItemSides;  // each tile's depth is shared by so many warps
constexpr int kTileStride = kItems + 8;           // of scores and weights
constexpr int64_t kPartsAimedAt = 1 << 14;        // partial sums of d floats

// Of the backward pass. d = 512 in float32 needs 175 KB of shared memory a block,
// more than sm_80 has.
inline Plan backward_plan(const ClusterSoftmaxTopkInput& input, int64_t pairs) {
  Plan plan = cluster_softmax_topk_device::make_plan(input, pairs, 0);
  plan.unit_queries = kQueries;
  plan.splits = static_cast<int>(std::clamp<int64_t>(kPartsAimedAt / std::max<int64_t>(pairs, 1), 1,
                                                     cluster_softmax_topk_device::kMaxSplits));
  return plan;
}

// ---- shared memory of the backward kernels ----

struct TileLayout {
  int items, scores, weights, sums, bytes;  // byte offsets; queries come first
};

SERENDIP_HOST_DEVICE inline TileLayout tile_layout(const Plan& plan, int sum_rows,
                                                   int value_bytes) {
  TileLayout layout{};
  layout.items = kQueries * plan.query_stride * value_bytes;
  layout.scores = layout.items + kItems * plan.query_stride * value_bytes;
  layout.weights = layout.scores + kDepthParts * kQueries * kTileStride * 4;
  layout.sums = layout.weights + kQueries * kTileStride * value_bytes;
  layout.bytes = layout.sums + sum_rows * plan.query_stride * 4;
  return layout;
}

template <typename T>
struct Tile {
  T *queries, *items;  // [kQueries], [kItems] rows of plan.query_stride
  float* scores;       // [kDepthParts, kQueries, kTileStride]
  T* weights;          // [kQueries, kTileStride]
  float* sums;         // [sum_rows, plan.query_stride]

  __device__ Tile(char* memory, const Plan& plan, int sum_rows) {
    const TileLayout layout = tile_layout(plan, sum_rows, static_cast<int>(sizeof(T)));
    queries = reinterpret_cast<T*>(memory);
    items = reinterpret_cast<T*>(memory + layout.items);
    scores = reinterpret_cast<float*>(memory + layout.scores);
    weights = reinterpret_cast<T*>(memory + layout.weights);
    sums = reinterpret_cast<float*>(memory + layout.sums);
  }
};

// The first `rows` of source(0) … source(count - 1), of `width` values; zeros where they are fewer
// and up to padded_width.
template <typename T, typename Source>
__device__ void load_rows(const Source& source, int count, int rows, int width, const Plan& plan,
                          T* target) {
  constexpr int kPiece = 16 / sizeof(T);
  const int pieces = plan.padded_width / kPiece;
  for (int at = static_cast<int>(threadIdx.x); at < rows * pieces; at += kThreads) {
    const int row = at / pieces, column = at % pieces * kPiece;
    load_piece(target + row * plan.query_stride + column, row < count ? source(row) : nullptr,
               column, row < count ? width : 0);
  }
  device::copy_async_commit();
}

__device__ inline void clear_sums(float* sums, int count) {
  for (int at = static_cast<int>(threadIdx.x); at < count; at += kThreads) sums[at] = 0;
}

// Columns of each part of the depth, so that a tile's warps share it.
__device__ inline int part_columns(const Plan& plan) {
  return (plan.padded_width / kSide + kDepthParts - 1) / kDepthParts * kSide;
}

// Scores of the tile, each as up to kDepthParts partial sums.
template <typename T>
__device__ void score_tile(const Tile<T>& tile, const Plan& plan) {
  const int side = warp_of_thread() % kItemSides, part = warp_of_thread() / kItemSides;
  const int each = part_columns(plan), begin = part * each, left = plan.padded_width - begin;
  if (left > 0)
    device::tile_product<Product::kRowsByRows>(
        tile.queries + begin, plan.query_stride,
        tile.items + side * kSide * plan.query_stride + begin, plan.query_stride,
        tile.scores + part * kQueries * kTileStride + side * kSide, kTileStride,
        left < each ? left : each, false);
}

// weights[query, item] = weight(query, item, score).
template <typename T, typename Weight>
__device__ void weigh_tile(const Tile<T>& tile, const Plan& plan, const Weight& weight) {
  const int each = part_columns(plan);
  for (int at = static_cast<int>(threadIdx.x); at < kQueries * kItems; at += kThreads) {
    const int query = at / kItems, item = at % kItems;
    float score = 0;
    for (int part = 0; part * each < plan.padded_width; ++part)
      score += tile.scores[(part * kQueries + query) * kTileStride + item];
    tile.weights[query * kTileStride + item] = from_float<T>(weight(query, item, score));
  }
}

// ---- forward ----

// One warp a row; part_max and part_sum come from score_kernel.
template <typename T>
__global__ void __launch_bounds__(kWarpSize)
    log_prob_kernel(ClusterSoftmaxTopkInput input, Plan plan, Workspace work, const int64_t* target,
                    float* log_prob, float* log_z) {
  const int64_t row = blockIdx.x;
  const int width = static_cast<int>(input.width);
  device::LogSumExp sum;
  for (int64_t at = input.row_offset[row]; at < input.row_offset[row + 1]; ++at) {
    const bool counted = work.pair_counts[at] != 0;
    const int items = counted ? items_of(input.cluster_offset, input.row_cluster[at]) : 0;
    const int ranges = ranges_of(items, plan.splits);
    for (int range = lane_of_thread(); range < ranges; range += kWarpSize)
      sum.add({work.part_max[at * plan.splits + range], work.part_sum[at * plan.splits + range]});
  }
  const float row_log_z = device::warp_log_sum_exp(sum).log();
  const int64_t item = target[row];
  float score = 0;
  if (item >= 0) {
    const T* query = static_cast<const T*>(input.query) + row * width;
    const T* embedding = static_cast<const T*>(input.item_embedding) + item * width;
    for (int column = lane_of_thread(); column < width; column += kWarpSize)
      score += to_float(query[column]) * to_float(embedding[column]);
  }
  score = device::warp_sum(score);
  if (lane_of_thread() == 0) {
    log_z[row] = row_log_z;
    log_prob[row] = item >= 0 ? score - row_log_z : 0;
  }
}

// ---- backward ----

// g and h - g of the contract.
__device__ inline float target_weight(const ClusterLogSoftmaxBackwardInput& grad, int64_t row) {
  return grad.target[row] >= 0 ? grad.grad_log_prob[row] : 0;
}
__device__ inline float softmax_weight(const ClusterLogSoftmaxBackwardInput& grad, int64_t row) {
  return grad.grad_log_z[row] - target_weight(grad, row);
}

// Blocks are numbered so that cluster c has those from cluster_offset[c] / kItems + c on, no fewer
// than it needs.
__device__ inline int64_t first_block(const int64_t* cluster_offset, int64_t cluster) {
  return cluster_offset[cluster] / kItems + cluster;
}
__device__ inline int64_t cluster_of_block(const ClusterSoftmaxTopkInput& input, int64_t block) {
  int64_t low = 0, high = input.cluster_count;  // first_block(low) <= block < first_block(high)
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    if (first_block(input.cluster_offset, middle) <= block)
      low = middle;
    else
      high = middle;
  }
  return low;
}

// grid: N / kItems + M blocks.
template <typename T>
__global__ void __launch_bounds__(kThreads, 2)
    grad_item_kernel(ClusterSoftmaxTopkInput input, Plan plan, Workspace work,
                     ClusterLogSoftmaxBackwardInput grad, T* grad_item) {
  DYNAMIC_SHARED(char, memory);
  const int64_t cluster = cluster_of_block(input, blockIdx.x);
  const int first =
      static_cast<int>(blockIdx.x - first_block(input.cluster_offset, cluster)) * kItems;
  const int cluster_items = items_of(input.cluster_offset, cluster);
  if (first >= cluster_items) return;
  const int count = cluster_items - first < kItems ? cluster_items - first : kItems;
  const int width = static_cast<int>(input.width);
  const int64_t first_item = input.cluster_offset[cluster] + first;
  const T* items = static_cast<const T*>(input.item_embedding) + first_item * width;
  const Tile<T> tile(memory, plan, kItems);
  clear_sums(tile.sums, kItems * plan.query_stride);
  load_rows([&](int row) { return items + row * width; }, count, kItems, width, plan, tile.items);

  for (int begin = work.group_begin[cluster]; begin < work.cursor[cluster]; begin += kQueries) {
    const int queries = work.cursor[cluster] - begin;  // of which this tile has the first kQueries
    const int* rows = work.group_row + begin;
    load_rows(
        [&](int row) { return static_cast<const T*>(input.query) + int64_t{rows[row]} * width; },
        queries, kQueries, width, plan, tile.queries);
    device::copy_async_wait<0>();
    __syncthreads();
    score_tile(tile, plan);
    __syncthreads();
    weigh_tile(tile, plan, [&](int query, int item, float score) {
      const bool inside = query < queries;
      const int64_t row = rows[inside ? query : 0];
      const float wanted = grad.target[row] == first_item + item ? target_weight(grad, row) : 0;
      const float weight = wanted + softmax_weight(grad, row) * expf(score - grad.log_z[row]);
      return inside ? weight : 0.0f;
    });
    __syncthreads();
    for (int at = warp_of_thread(); at < plan.padded_width / kSide * kItemSides; at += kWarps) {
      const int side = at % kItemSides * kSide, column = at / kItemSides * kSide;
      device::tile_product<Product::kColumnsByColumns>(
          tile.weights + side, kTileStride, tile.queries + column, plan.query_stride,
          tile.sums + side * plan.query_stride + column, plan.query_stride, kQueries, true);
    }
    __syncthreads();  // before the next rows take the place of these
  }
  device::copy_async_wait<0>();
  __syncthreads();
  for (int at = static_cast<int>(threadIdx.x); at < count * width; at += kThreads)
    grad_item[first_item * width + at] =
        from_float<T>(tile.sums[at / width * plan.query_stride + at % width]);
}

// part_grad: [P, S, d] of Σ p · item_embedding.
template <typename T>
__global__ void __launch_bounds__(kThreads, 2)
    grad_part_kernel(ClusterSoftmaxTopkInput input, Plan plan, Workspace work,
                     ClusterLogSoftmaxBackwardInput grad, float* part_grad) {
  DYNAMIC_SHARED(char, memory);
  if (static_cast<int>(blockIdx.x) >= *work.unit_count) return;
  const Unit unit = work.units[blockIdx.x];
  const int width = static_cast<int>(input.width);
  const int cluster_items = items_of(input.cluster_offset, unit.cluster);
  const int length = range_length(cluster_items, plan.splits), first = unit.range * length;
  const int range_count = cluster_items - first < length ? cluster_items - first : length;
  const T* items = static_cast<const T*>(input.item_embedding) +
                   (input.cluster_offset[unit.cluster] + first) * width;
  const int* rows = work.group_row + unit.first;
  const Tile<T> tile(memory, plan, kQueries);
  clear_sums(tile.sums, kQueries * plan.query_stride);
  load_rows(
      [&](int row) { return static_cast<const T*>(input.query) + int64_t{rows[row]} * width; },
      unit.count, kQueries, width, plan, tile.queries);

  for (int begin = 0; begin < range_count; begin += kItems) {
    const int count = range_count - begin;
    load_rows([&](int row) { return items + (int64_t{begin} + row) * width; }, count, kItems, width,
              plan, tile.items);
    device::copy_async_wait<0>();
    __syncthreads();
    score_tile(tile, plan);
    __syncthreads();
    weigh_tile(tile, plan, [&](int query, int item, float score) {
      const bool inside = (query < unit.count) & (item < count);
      const float weight = expf(score - grad.log_z[rows[inside ? query : 0]]);
      return inside ? weight : 0.0f;
    });
    __syncthreads();
    for (int column = warp_of_thread() * kSide; column < plan.padded_width;
         column += kWarps * kSide)
      device::tile_product<Product::kRowsByColumns>(tile.weights, kTileStride, tile.items + column,
                                                    plan.query_stride, tile.sums + column,
                                                    plan.query_stride, kItems, true);
    __syncthreads();  // before the next items take the place of these
  }
  for (int at = static_cast<int>(threadIdx.x); at < unit.count * width; at += kThreads) {
    const int query = at / width, column = at % width;
    const int64_t part =
        static_cast<int64_t>(work.group_pair[unit.first + query]) * plan.splits + unit.range;
    part_grad[part * width + column] = tile.sums[query * plan.query_stride + column];
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    grad_query_kernel(ClusterSoftmaxTopkInput input, Plan plan, Workspace work,
                      ClusterLogSoftmaxBackwardInput grad, const float* part_grad, T* grad_query) {
  const int64_t row = blockIdx.x, item = grad.target[row];
  const int width = static_cast<int>(input.width);
  for (int column = static_cast<int>(threadIdx.x); column < width; column += kThreads) {
    float sum = 0;
    for (int64_t at = input.row_offset[row]; at < input.row_offset[row + 1]; ++at) {
      const bool counted = work.pair_counts[at] != 0;
      const int items = counted ? items_of(input.cluster_offset, input.row_cluster[at]) : 0;
      for (int range = 0; range < ranges_of(items, plan.splits); ++range)
        sum += part_grad[(at * plan.splits + range) * width + column];
    }
    sum *= softmax_weight(grad, row);
    if (item >= 0)
      sum += target_weight(grad, row) *
             to_float(static_cast<const T*>(input.item_embedding)[item * width + column]);
    grad_query[row * width + column] = from_float<T>(sum);
  }
}

}  // namespace serendip::cluster_log_softmax_device
