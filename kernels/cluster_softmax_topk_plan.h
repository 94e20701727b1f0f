// Shapes of the CUDA form of cluster_softmax_topk: tiles, how work is cut, and what the workspace
// holds. Host and device compute them alike.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/cluster_softmax_topk.h"

namespace serendip::cluster_softmax_topk_device {

constexpr int kWarpSize = 32;
constexpr int kGroupWarps = 32, kGroupThreads = kGroupWarps * kWarpSize;
constexpr int kPrefixInts = kGroupWarps + 1;  // of shared memory, for a block's prefix sums
constexpr size_t kGroupSharedBytes = 2 * kPrefixInts * sizeof(int);
constexpr int kScoreWarps = 8, kScoreThreads = kScoreWarps * kWarpSize;
constexpr int kMergeThreads = kWarpSize;

constexpr int kQueryTile = 16, kItemTile = 16;       // of one tensor-core product
constexpr int kTileItems = kScoreWarps * kItemTile;  // items a step: one product tile a warp
constexpr int kScoreStride = kTileItems + 8;         // of a query's scores in shared memory
constexpr int kStages = 3;                           // of the pipeline of item chunks
constexpr int kRangeGrain = 2 * kTileItems;          // a range has a multiple of so many items
constexpr int kMaxSplits = 64;                       // ranges of one cluster
constexpr int64_t kPartsAimedAt = 1 << 16;           // bounds the partial results
constexpr int64_t kMaxK = 256, kMaxWidth = 512, kWidthMultiple = 8;

// A chunk is the columns that a step loads: one 128-byte line of every item.
SERENDIP_HOST_DEVICE constexpr int chunk_columns(size_t value_bytes) {
  return static_cast<int>(128 / value_bytes);
}
// Rows 16 bytes apart modulo the banks, and whole multiples of 8 values.
SERENDIP_HOST_DEVICE constexpr int chunk_stride(size_t value_bytes) {
  return chunk_columns(value_bytes) + 8;
}

struct Plan {
  int splits;        // most ranges of one cluster
  int unit_queries;  // rows that share a pass over a range, a multiple of kQueryTile
  int padded_width;  // d rounded up to the products' multiple of 16
  int query_stride;  // of the queries in shared memory
};

SERENDIP_HOST_DEVICE inline int items_of(const int64_t* cluster_offset, int64_t cluster) {
  return static_cast<int>(cluster_offset[cluster + 1] - cluster_offset[cluster]);
}

SERENDIP_HOST_DEVICE inline int range_length(int items, int splits) {
  const int each = (items + splits - 1) / splits;
  return (each + kRangeGrain - 1) / kRangeGrain * kRangeGrain;
}

SERENDIP_HOST_DEVICE inline int ranges_of(int items, int splits) {
  if (items == 0) return 0;
  const int length = range_length(items, splits);
  return (items + length - 1) / length;
}

// A range of a cluster against the pairs group_*[first, first + count).
struct Unit {
  int cluster, range, first, count;
};

// In global memory; P = number of (row, cluster) pairs, S = splits. Partial result (pair, range)
// has the place pair · S + range.
struct Workspace {
  int* unit_count;             // [1]
  int* cursor;                 // [M]
  int* group_begin;            // [M] of cluster's pairs in group_*; they end at cursor
  int* pair_counts;            // [P] 0 for a cluster that the row named before
  int* group_pair;             // [P] pairs by cluster
  int* group_row;              // [P] their rows
  float *part_max, *part_sum;  // [P, S]
  float* best_score;           // [P, S, k]
  int* best_item;              // [P, S, k] places within the range
  Unit* units;                 // [most_units]
};

// Byte offsets of what score_kernel keeps in shared memory.
struct SharedLayout {
  int queries, scores, state, bytes;
};

SERENDIP_HOST_DEVICE inline SharedLayout shared_layout(const Plan& plan, int value_bytes) {
  SharedLayout layout{};
  layout.queries =
      kStages * kTileItems * chunk_stride(static_cast<size_t>(value_bytes)) * value_bytes;
  layout.scores = layout.queries + plan.unit_queries * plan.query_stride * value_bytes;
  layout.state = layout.scores + plan.unit_queries * kScoreStride * static_cast<int>(sizeof(float));
  layout.bytes = layout.state + 3 * plan.unit_queries * static_cast<int>(sizeof(float));
  return layout;
}

inline int value_bytes_of(FloatType type) { return type == FloatType::kFloat32 ? 4 : 2; }

// `pairs`: row_offset[B]. Many rows a cluster share each pass over its items, as far as shared
// memory goes.
inline Plan make_plan(const ClusterSoftmaxTopkInput& input, int64_t pairs, int64_t shared_limit) {
  Plan plan{};
  plan.splits = static_cast<int>(
      std::clamp<int64_t>(kPartsAimedAt / std::max<int64_t>(pairs, 1), 1, kMaxSplits));
  plan.padded_width = static_cast<int>((input.width + 15) / 16 * 16);
  plan.query_stride = plan.padded_width + 8;
  const int64_t lists = std::max<int64_t>(1, std::min(input.cluster_count, pairs));
  plan.unit_queries = pairs / lists > kQueryTile ? 4 * kQueryTile : kQueryTile;
  while (plan.unit_queries > kQueryTile &&
         shared_layout(plan, value_bytes_of(input.type)).bytes > shared_limit)
    plan.unit_queries -= kQueryTile;
  return plan;
}

// An upper bound of unit_count, without knowing how rows are spread over clusters.
inline int64_t most_units(const ClusterSoftmaxTopkInput& input, int64_t pairs, const Plan& plan) {
  return plan.splits * (pairs / plan.unit_queries + std::min(input.cluster_count, pairs));
}

// Lays the workspace out from `base` on (16-byte aligned; null to measure); returns its bytes.
inline int64_t lay_out(const ClusterSoftmaxTopkInput& input, int64_t pairs, const Plan& plan,
                       void* base, Workspace& work) {
  int64_t bytes = 0;
  const auto place = [&](auto*& pointer, int64_t count) {
    using Value = std::remove_reference_t<decltype(*pointer)>;
    pointer = reinterpret_cast<Value*>(static_cast<char*>(base) + bytes);
    bytes += (count * static_cast<int64_t>(sizeof(Value)) + 15) / 16 * 16;
  };
  const int64_t parts = pairs * plan.splits;
  place(work.unit_count, 1);
  place(work.cursor, input.cluster_count);
  place(work.group_begin, input.cluster_count);
  place(work.pair_counts, pairs);
  place(work.group_pair, pairs);
  place(work.group_row, pairs);
  place(work.part_max, parts);
  place(work.part_sum, parts);
  place(work.best_score, parts * input.k);
  place(work.best_item, parts * input.k);
  place(work.units, most_units(input, pairs, plan));
  return bytes;
}

}  // namespace serendip::cluster_softmax_topk_device
