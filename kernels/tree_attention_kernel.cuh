// The forward device code of tree_attention (contract: kernels/tree_attention.h).
//
// One block 16 consecutive queries of a key/value head, (row, head) by (row, head), so that the
// heads of a group share its keys. What the paths of their rows have in common is read once, 32 key
// rows at a time, and multiplied on the tensor cores; of the rest of its path each query has a
// warp, whose running sums begin with those of the common part. Blocks share nothing.
#pragma once

#include "kernels/tree_attention_tile.cuh"

namespace serendip::tree_attention_device {

// That an SM is to hold at once: bounds registers.
template <typename T>
constexpr int kForwardBlocks = sizeof(T) == 4 ? 4 : 6;

// A step of a softmax whose sums are relative to a running maximum: they keep a factor `kept`, and
// what comes counts exp(score - max), `weight`.
struct SoftmaxStep {
  float max, kept, weight;

  __device__ SoftmaxStep(float old_max, float largest, float score) : max(fmaxf(old_max, largest)) {
    const float shift = max > -INFINITY ? max : 0;  // nothing has come yet
    kept = expf(old_max - shift);
    weight = expf(score - shift);
  }
};

// Each product's depth is shared by two warps.
template <typename T>
__device__ void score_tile(const Tile<T>& tile) {
  const int side = warp_of_thread() % 2 * kSide, part = warp_of_thread() / 2;
  const int each = (tile.padded / kSide + 1) / 2 * kSide, begin = part * each;
  const int left = tile.padded - begin;
  if (left > 0)
    device::tile_product<Product::kRowsByRows>(
        tile.queries + begin, tile.stride, tile.keys + side * tile.stride + begin, tile.stride,
        tile.scores + part * tile.kind() + side, tile.shape.stride(), left < each ? left : each);
}

// A lane has a key's score: weights of the query, and its sums relative to the new maximum.
template <typename T>
__device__ void fold_scores(const Tile<T>& tile, const Scoring& scoring, int query, bool seen) {
  const int lane = lane_of_thread(), at = tile.at(query, lane);
  const float second = tile.padded > kSide ? tile.scores[tile.kind() + at] : 0;
  const float score = seen ? scoring(tile.scores[at] + second).value : -INFINITY;
  float *max = tile.state + query, *total = max + tile.shape.queries;
  const SoftmaxStep step(*max, device::warp_max(score), score);
  const float added = device::warp_sum(step.weight);
  tile.weights[at] = from_float<T>(step.weight);
  for (int column = lane; column < tile.padded; column += kWarpSize)
    tile.sums[query * tile.stride + column] *= step.kept;
  if (lane == 0) {
    *max = step.max;
    *total = *total * step.kept + added;
  }
}

template <typename T>
__device__ void attend_common_path(const TreeAttentionInput& input, const KeyHead<T>& head,
                                   const Tile<T>& tile, const QueryTile& queries,
                                   const CommonPath& common) {
  const Scoring scoring(input.options);
  for (int begin = common.begin; begin < common.end; begin += tile.shape.keys) {
    const int left = common.end - begin;
    const auto at = [&](int key) { return head.key_at(common.rows[begin + key]); };
    tile.load_rows(
        tile.keys, [&](int key) { return head.key + at(key); }, left, tile.shape.keys);
    tile.load_rows(
        tile.values, [&](int key) { return head.value + at(key); }, left, tile.shape.keys);
    device::copy_async_wait<1>();
    __syncthreads();
    score_tile(tile);
    __syncthreads();
    for (int query = warp_of_thread(); query < queries.count; query += kWarps) {
      const int place = begin + lane_of_thread();
      const Path path(input, (queries.first + query) / head.group);
      fold_scores(tile, scoring, query, (place >= path.begin) & (place < common.end));
    }
    device::copy_async_wait<0>();
    __syncthreads();
    for (int column = warp_of_thread() * kSide; column < tile.padded; column += kWarps * kSide)
      device::tile_product<Product::kRowsByColumns>(
          tile.weights, tile.shape.stride(), tile.values + column, tile.stride, tile.sums + column,
          tile.stride, tile.shape.keys, true);
    __syncthreads();  // before the next keys take the place of these
  }
}

// A query's softmax over the key rows that a lane has seen.
struct LaneSoftmax {
  float max, total, sum[kLaneColumns];

  __device__ void add(float score, float weight_of_score, const float (&values)[kLaneColumns]) {
    const SoftmaxStep step(max, score, score);
    max = step.max;
    total = total * step.kept + weight_of_score * step.weight;
    for (int i = 0; i < kLaneColumns; ++i) sum[i] = sum[i] * step.kept + values[i] * step.weight;
  }
  // Of the lanes of all rows, which step by `lanes`.
  __device__ void merge(int lanes) {
    for (int step = lanes; step < kWarpSize; step *= 2) {
      const float other_max = __shfl_xor_sync(kAllLanes, max, step),
                  other_total = __shfl_xor_sync(kAllLanes, total, step);
      float other[kLaneColumns];
      for (int i = 0; i < kLaneColumns; ++i) other[i] = __shfl_xor_sync(kAllLanes, sum[i], step);
      add(other_max, other_total, other);
    }
  }
};

// Places [begin, path.length) of one query's path, by one warp, after the common part; writes the
// query's results.
template <typename T>
__device__ void attend_rest(const TreeAttentionInput& input, const KeyHead<T>& head,
                            const Tile<T>& tile, int query, const Path& path, int begin, T* out_row,
                            float* log_sum_exp) {
  const Scoring scoring(input.options);
  const LaneRows<T> lanes(head.width);
  float mine[kLaneColumns];
  lanes.load(tile.queries + query * tile.stride, mine);
  LaneSoftmax softmax{-INFINITY, 0, {}};
  if (lanes.row() == 0) {
    softmax.max = tile.state[query];
    softmax.total = tile.state[tile.shape.queries + query];
    lanes.load(tile.sums + query * tile.stride, softmax.sum);
  }
  for (; begin < path.length; begin += lanes.rows()) {
    const int place = begin + lanes.row();
    const bool inside = place < path.length;
    const int64_t at = head.key_at(path.rows[inside ? place : begin]);
    float key[kLaneColumns], value[kLaneColumns];
    lanes.load(head.key + at, key);
    lanes.load(head.value + at, value);
    const float score = scoring(lanes.product(mine, key)).value;
    softmax.add(inside ? score : -INFINITY, 1, value);
  }
  softmax.merge(lanes.lanes);
  for (float& sum : softmax.sum) sum /= softmax.total;
  lanes.store(out_row, softmax.sum);
  if (lane_of_thread() == 0) *log_sum_exp = softmax.max + logf(softmax.total);
}

// grid: G blocks for each 16 of the T · H / G queries of a head.
// out: [T, H, d]; log_sum_exp: [T, H].
template <typename T>
__global__ void __launch_bounds__(kThreads, kForwardBlocks<T>)
    tree_attention_kernel(TreeAttentionInput input, T* out, float* log_sum_exp) {
  DYNAMIC_SHARED(char, memory);
  const int key_heads = static_cast<int>(input.shape.key_value_heads);
  const KeyHead<T> head(input, static_cast<int>(blockIdx.x) % key_heads);
  const QueryTile queries(static_cast<int>(blockIdx.x) / key_heads, input.rows, head.group);
  const Tile<T> tile(memory, forward_tile(), head.width);
  const auto row_of = [&](int query) { return (queries.first + query) / head.group; };
  const auto place_of = [&](int query) {
    return head.query_place(row_of(query), queries.first + query);
  };
  tile.load_rows(
      tile.queries, [&](int query) { return head.query + place_of(query) * head.width; },
      queries.count, tile.shape.queries);
  const CommonPath common =
      common_path(input, queries, head.group, reinterpret_cast<int*>(tile.scores));
  tile.clear_sums();
  if (static_cast<int>(threadIdx.x) < tile.shape.queries) {
    tile.state[threadIdx.x] = -INFINITY;
    tile.state[tile.shape.queries + threadIdx.x] = 0;
  }
  attend_common_path(input, head, tile, queries, common);
  device::copy_async_wait<0>();
  __syncthreads();
  for (int query = warp_of_thread(); query < queries.count; query += kWarps) {
    const Path path(input, row_of(query));
    const int64_t place = place_of(query);
    attend_rest(input, head, tile, query, path, path.begin > common.end ? path.begin : common.end,
                out + place * head.width, log_sum_exp + place);
  }
}

}  // namespace serendip::tree_attention_device
