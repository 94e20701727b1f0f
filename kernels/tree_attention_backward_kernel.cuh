// The backward device code of tree_attention (contract: kernels/tree_attention.h): scores are made
// again from the forward pass's log_sum_exp (Dao et al. 2022, algorithm 4). No block adds to what
// another writes, so that results do not depend on their order:
//   tree_grad_query_kernel     tiles of queries, as the forward pass has them
//   tree_grad_key_part_kernel  one block a part of the query rows that see any of 16 key rows
//   tree_grad_key_kernel       one block a key row adds its parts up
//
// Key rows are taken 16 at a time, with the query rows that see any of them: rows of a tree lie
// beside their relatives, so that a query row is read once for up to 16 entries of its path and the
// sums are products on the tensor cores. The rows that all paths begin with have as many query rows
// as there are; these are cut into parts, as one block would walk them long after the others.
#pragma once

#include "kernels/tree_attention_tile.cuh"

namespace serendip::tree_attention_device {

// That an SM is to hold at once: bounds registers.
template <typename T>
constexpr int kBackwardBlocks = sizeof(T) == 4 ? 3 : 5;

// Of one score: of its product with the query, and the weight of its value.
struct Gradient {
  float product, weight;
};

__device__ inline Gradient gradient_of(const Scoring& scoring, float product, float value_product,
                                       float log_sum_exp, float mean_grad) {
  const Score score = scoring(product);
  const float weight = expf(score.value - log_sum_exp);
  return {score.slope * weight * (value_product - mean_grad), weight};
}

// ---- queries ----

// mean_grad of a query, by one warp.
template <typename T>
__device__ void find_mean_grad(const TreeAttentionBackwardInput& grad, const Tile<T>& tile,
                               int query, int64_t place, float* mean_grad) {
  const LaneRows<T> lanes(tile.width);
  float out[kLaneColumns], grad_out[kLaneColumns];
  lanes.load(static_cast<const T*>(grad.out) + place * tile.width, out);
  lanes.load(tile.grad_outs + query * tile.stride, grad_out);
  const float mean = lanes.product(out, grad_out);
  if (lane_of_thread() == 0) {
    mean_grad[place] = mean;
    tile.state[query] = grad.log_sum_exp[place];
    tile.state[tile.shape.queries + query] = mean;
  }
}

// weights = the gradients of the products of a query with 32 keys, by one warp.
template <typename T>
__device__ void weigh_query(const Tile<T>& tile, const Scoring& scoring, int query, bool seen) {
  const int at = tile.at(query, lane_of_thread());
  const Gradient gradient = gradient_of(scoring, tile.scores[at], tile.scores[tile.kind() + at],
                                        tile.state[query], tile.state[tile.shape.queries + query]);
  tile.weights[at] = from_float<T>(seen ? gradient.product : 0.0f);
}

template <typename T>
__device__ void grad_common_path(const TreeAttentionInput& input, const KeyHead<T>& head,
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
    device::copy_async_wait<0>();
    __syncthreads();
    tile.multiply_rows();
    __syncthreads();
    for (int query = warp_of_thread(); query < queries.count; query += kWarps) {
      const int place = begin + lane_of_thread();
      const Path path(input, (queries.first + query) / head.group);
      weigh_query(tile, scoring, query, (place >= path.begin) & (place < common.end));
    }
    __syncthreads();
    for (int column = warp_of_thread() * kSide; column < tile.padded; column += kWarps * kSide)
      device::tile_product<Product::kRowsByColumns>(
          tile.weights, tile.shape.stride(), tile.keys + column, tile.stride, tile.sums + column,
          tile.stride, tile.shape.keys, true);
    __syncthreads();  // before the next keys take the place of these
  }
}

// As attend_rest() of the forward pass.
template <typename T>
__device__ void grad_rest(const TreeAttentionInput& input, const KeyHead<T>& head,
                          const Tile<T>& tile, int query, const Path& path, int begin,
                          T* grad_query_row) {
  const Scoring scoring(input.options);
  const LaneRows<T> lanes(head.width);
  const float log_sum_exp = tile.state[query], mean_grad = tile.state[tile.shape.queries + query];
  float mine[kLaneColumns], grad_out[kLaneColumns], sum[kLaneColumns] = {};
  lanes.load(tile.queries + query * tile.stride, mine);
  lanes.load(tile.grad_outs + query * tile.stride, grad_out);
  if (lanes.row() == 0) lanes.load(tile.sums + query * tile.stride, sum);
  for (; begin < path.length; begin += lanes.rows()) {
    const int place = begin + lanes.row();
    const bool inside = place < path.length;
    const int64_t at = head.key_at(path.rows[inside ? place : begin]);
    float key[kLaneColumns], value[kLaneColumns];
    lanes.load(head.key + at, key);
    lanes.load(head.value + at, value);
    const Gradient gradient = gradient_of(scoring, lanes.product(mine, key),
                                          lanes.product(grad_out, value), log_sum_exp, mean_grad);
    const float weight = inside ? gradient.product : 0.0f;
    for (int i = 0; i < kLaneColumns; ++i) sum[i] = fmaf(weight, key[i], sum[i]);
  }
  for (int step = lanes.lanes; step < kWarpSize; step *= 2)
    for (float& column : sum) column += __shfl_xor_sync(kAllLanes, column, step);
  lanes.store(grad_query_row, sum);
}

// grid: as tree_attention_kernel. grad_query: [T, H, d]; writes mean_grad for the kernels below.
template <typename T>
__global__ void __launch_bounds__(kThreads, kBackwardBlocks<T>)
    tree_grad_query_kernel(TreeAttentionInput input, TreeAttentionBackwardInput grad,
                           Workspace work, T* grad_query) {
  DYNAMIC_SHARED(char, memory);
  const int key_heads = static_cast<int>(input.shape.key_value_heads);
  const KeyHead<T> head(input, static_cast<int>(blockIdx.x) % key_heads);
  const QueryTile queries(static_cast<int>(blockIdx.x) / key_heads, input.rows, head.group);
  const Tile<T> tile(memory, grad_query_tile(), head.width);
  const T* grad_out = static_cast<const T*>(grad.grad_out);
  const auto row_of = [&](int query) { return (queries.first + query) / head.group; };
  const auto place_of = [&](int query) {
    return head.query_place(row_of(query), queries.first + query);
  };
  tile.load_rows(
      tile.queries, [&](int query) { return head.query + place_of(query) * head.width; },
      queries.count, tile.shape.queries);
  tile.load_rows(
      tile.grad_outs, [&](int query) { return grad_out + place_of(query) * head.width; },
      queries.count, tile.shape.queries);
  const CommonPath common =
      common_path(input, queries, head.group, reinterpret_cast<int*>(tile.scores));
  tile.clear_sums();
  device::copy_async_wait<0>();
  __syncthreads();
  for (int query = warp_of_thread(); query < queries.count; query += kWarps)
    find_mean_grad(grad, tile, query, place_of(query), work.mean_grad);
  grad_common_path(input, head, tile, queries, common);
  __syncthreads();
  for (int query = warp_of_thread(); query < queries.count; query += kWarps) {
    const Path path(input, row_of(query));
    grad_rest(input, head, tile, query, path, path.begin > common.end ? path.begin : common.end,
              grad_query + place_of(query) * head.width);
  }
}

// ---- keys and values ----

// The tile that a part is of: the last whose first part is not behind it.
__device__ inline int64_t tile_of_part(const KeyParts& parts, int64_t tiles, int64_t part) {
  int64_t low = 0, high = tiles;  // first(low) <= part < first(high)
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    if (parts.first(middle) <= part)
      low = middle;
    else
      high = middle;
  }
  return low;
}

// The queries of a key tile from `first` on: `count`, of which a tile takes the first.
struct EntryQueries {
  const int32_t *row, *seen;  // of the tile's entries
  int64_t first;
  int count, group;

  __device__ int64_t entry(int query) const { return (first + query) / group; }
  template <typename T>
  __device__ int64_t place(const KeyHead<T>& head, int query) const {
    return head.query_place(row[entry(query)], static_cast<int>((first + query) % group));
  }
};

// Both kinds of weights of a tile: gradients of products, weights of values.
template <typename T>
__device__ void weigh_entries(const Tile<T>& tile, const KeyHead<T>& head, const Scoring& scoring,
                              const EntryQueries& queries, const float* log_sum_exp,
                              const float* mean_grad) {
  for (int i = static_cast<int>(threadIdx.x); i < tile.shape.queries * kKeyTile; i += kThreads) {
    const int query = i / kKeyTile, key = i % kKeyTile, at = tile.at(query, key);
    const bool inside = query < queries.count;
    const int64_t place = queries.place(head, inside ? query : 0);
    const bool seen = inside & ((queries.seen[queries.entry(inside ? query : 0)] >> key & 1) != 0);
    const Gradient gradient = gradient_of(scoring, tile.scores[at], tile.scores[tile.kind() + at],
                                          log_sum_exp[place], mean_grad[place]);
    tile.weights[at] = from_float<T>(seen ? gradient.product : 0.0f);
    tile.weights[tile.kind() + at] = from_float<T>(seen ? gradient.weight : 0.0f);
  }
}

// The first 16 rows of sums += weights[0] · queries, the others weights[1] · grad_outs.
template <typename T>
__device__ void add_products(const Tile<T>& tile) {
  const int sides = tile.padded / kSide;
  for (int at = warp_of_thread(); at < 2 * sides; at += kWarps) {
    const int kind = at / sides, column = at % sides * kSide;
    device::tile_product<Product::kColumnsByColumns>(
        tile.weights + kind * tile.kind(), tile.shape.stride(),
        (kind == 0 ? tile.queries : tile.grad_outs) + column, tile.stride,
        tile.sums + kind * kKeyTile * tile.stride + column, tile.stride, tile.shape.queries, true);
  }
}

// grid: G blocks for each of most_parts().
template <typename T>
__global__ void __launch_bounds__(kThreads, kBackwardBlocks<T>)
    tree_grad_key_part_kernel(TreeAttentionInput input, TreeAttentionBackwardInput grad,
                              Workspace work) {
  DYNAMIC_SHARED(char, memory);
  const int key_heads = static_cast<int>(input.shape.key_value_heads);
  const KeyHead<T> head(input, static_cast<int>(blockIdx.x) % key_heads);
  const KeyParts parts(input, grad.key_tiles, work.extra_parts);
  const int64_t part = blockIdx.x / key_heads;
  const int64_t key_tile = tile_of_part(parts, tiles_of(input.key_rows, kKeyTile), part);
  const int64_t begin = (part - parts.first(key_tile)) * parts.length;
  const int64_t left = parts.queries(key_tile) - begin;
  if (left <= 0) return;
  const int64_t end = begin + (left < parts.length ? left : parts.length);
  const int first_key = static_cast<int>(key_tile) * kKeyTile;
  const int keys = static_cast<int>(input.key_rows) - first_key;
  const int64_t first_entry = parts.offset[key_tile];
  const T* grad_out = static_cast<const T*>(grad.grad_out);
  const Tile<T> tile(memory, grad_key_tile(), head.width);
  tile.clear_sums();
  tile.load_rows(
      tile.keys, [&](int key) { return head.key + head.key_at(first_key + key); }, keys, kKeyTile);
  tile.load_rows(
      tile.values, [&](int key) { return head.value + head.key_at(first_key + key); }, keys,
      kKeyTile);
  for (int64_t first = begin; first < end; first += tile.shape.queries) {
    const EntryQueries queries{grad.key_tiles.row + first_entry, grad.key_tiles.seen + first_entry,
                               first, static_cast<int>(end - first), head.group};
    tile.load_rows(
        tile.queries, [&](int i) { return head.query + queries.place(head, i) * head.width; },
        queries.count, tile.shape.queries);
    tile.load_rows(
        tile.grad_outs, [&](int i) { return grad_out + queries.place(head, i) * head.width; },
        queries.count, tile.shape.queries);
    device::copy_async_wait<0>();
    __syncthreads();
    tile.multiply_rows();
    __syncthreads();
    weigh_entries(tile, head, Scoring(input.options), queries, grad.log_sum_exp, work.mean_grad);
    __syncthreads();
    add_products(tile);
    __syncthreads();  // before the next queries take the place of these
  }
  float* target = work.part_grad + int64_t{blockIdx.x} * 2 * kKeyTile * head.width;
  for (int at = static_cast<int>(threadIdx.x); at < 2 * kKeyTile * head.width; at += kThreads)
    target[at] = tile.sums[at / head.width * tile.stride + at % head.width];
}

// grid: A · G blocks. grad_key, grad_value: [A, G, d], written whole.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    tree_grad_key_kernel(TreeAttentionInput input, TreeAttentionBackwardInput grad, Workspace work,
                         T* grad_key, T* grad_value) {
  const int key_heads = static_cast<int>(input.shape.key_value_heads);
  const int width = static_cast<int>(input.shape.head_dim);
  const int head = static_cast<int>(blockIdx.x) % key_heads;
  const int64_t key_row = blockIdx.x / key_heads, key_tile = key_row / kKeyTile;
  const KeyParts parts(input, grad.key_tiles, work.extra_parts);
  const int64_t first = parts.first(key_tile), count = parts.parts(key_tile);
  for (int at = static_cast<int>(threadIdx.x); at < 2 * width; at += kThreads) {
    const int kind = at / width, column = at % width;
    const int64_t place = (kind * kKeyTile + key_row % kKeyTile) * width + column;
    float sum = 0;
    for (int64_t part = first; part < first + count; ++part)
      sum += work.part_grad[(part * key_heads + head) * 2 * kKeyTile * width + place];
    (kind == 0 ? grad_key : grad_value)[int64_t{blockIdx.x} * width + column] = from_float<T>(sum);
  }
}

}  // namespace serendip::tree_attention_device
