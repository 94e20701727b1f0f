// What the kernels of tree_attention share (contract: kernels/tree_attention.h): tiles of queries
// and keys in shared memory, the paths of a tile's rows, and rows read by a warp without a tile.
#pragma once

#include "kernels/block.cuh"
#include "kernels/tree_attention_plan.h"

namespace serendip::tree_attention_device {

using device::kAllLanes;
using device::lane_of_thread;
using device::Product;
using device::warp_of_thread;

// One key/value head and its query heads. Query i of a list of rows is of row i / group of it.
template <typename T>
struct KeyHead {
  const T *query, *key, *value;
  int heads, key_heads, head, group, width;

  __device__ KeyHead(const TreeAttentionInput& input, int head)
      : query(static_cast<const T*>(input.query)),
        key(static_cast<const T*>(input.key)),
        value(static_cast<const T*>(input.value)),
        heads(static_cast<int>(input.shape.heads)),
        key_heads(static_cast<int>(input.shape.key_value_heads)),
        head(head),
        group(heads / key_heads),
        width(static_cast<int>(input.shape.head_dim)) {}

  // Its place among [T, H].
  __device__ int64_t query_place(int row, int i) const {
    return int64_t{row} * heads + head * group + i % group;
  }
  __device__ int64_t key_at(int row) const { return (int64_t{row} * key_heads + head) * width; }
};

// Places [begin, length) of a row's path are seen.
struct Path {
  const int32_t* rows;
  int begin, length;

  __device__ Path(const TreeAttentionInput& input, int row) {
    const int64_t first = input.paths.offset[row], window = input.options.window;
    rows = input.paths.path + first;
    length = static_cast<int>(input.paths.offset[row + 1] - first);
    begin = window > 0 && window < length ? length - static_cast<int>(window) : 0;
  }
};

// ---- scores ----

struct Score {
  float value, slope;  // slope: its derivative by the product
};

struct Scoring {
  float scale, softcap;

  __device__ explicit Scoring(const kernels::TreeAttentionOptions& options)
      : scale(static_cast<float>(options.scale)), softcap(static_cast<float>(options.softcap)) {}

  __device__ Score operator()(float product) const {
    const float score = scale * product;
    if (softcap > 0) {
      const float bent = tanhf(score / softcap);
      return {softcap * bent, scale * (1 - bent * bent)};
    }
    return {score, scale};
  }
};

// ---- tiles ----

// Views of a block's shared memory, as tile_layout() has it.
template <typename T>
struct Tile {
  TileShape shape;
  int width, padded, stride;  // columns: d, rounded up, and from row to row
  T *queries, *grad_outs;     // [shape.queries, stride]
  T *keys, *values;           // [shape.keys, stride]
  float* scores;              // [2, shape.queries, shape.stride()]
  T* weights;                 // [shape.weight_kinds, shape.queries, shape.stride()]
  float* sums;                // [shape.sum_rows, stride]
  float* state;               // [2, shape.queries]

  __device__ Tile(char* memory, const TileShape& shape, int width)
      : shape(shape), width(width), padded(padded_width(width)), stride(row_stride(width)) {
    const TileLayout layout = tile_layout(shape, width, static_cast<int>(sizeof(T)));
    queries = reinterpret_cast<T*>(memory);
    grad_outs = queries + shape.queries * stride;
    keys = reinterpret_cast<T*>(memory + layout.keys);
    values = keys + shape.keys * stride;
    scores = reinterpret_cast<float*>(memory + layout.scores);
    weights = reinterpret_cast<T*>(memory + layout.weights);
    sums = reinterpret_cast<float*>(memory + layout.sums);
    state = reinterpret_cast<float*>(memory + layout.state);
  }
  // Of scores and weights of one kind.
  __device__ int at(int query, int key) const { return query * shape.stride() + key; }
  __device__ int kind() const { return shape.queries * shape.stride(); }

  __device__ void clear_sums() const {
    for (int at = static_cast<int>(threadIdx.x); at < shape.sum_rows * stride; at += kThreads)
      sums[at] = 0;
  }

  // Begins to copy rows source(0) … source(count - 1); zeros up to `rows` and to `padded`.
  template <typename Source>
  __device__ void load_rows(T* target, const Source& source, int count, int rows) const {
    constexpr int kPiece = 16 / sizeof(T);
    const int pieces = padded / kPiece;
    for (int at = static_cast<int>(threadIdx.x); at < rows * pieces; at += kThreads) {
      const int row = at / pieces, column = at % pieces * kPiece;
      device::load_piece(target + row * stride + column, row < count ? source(row) : nullptr,
                         column, row < count ? width : 0);
    }
    device::copy_async_commit();
  }

  // scores[0] = queries · keys, scores[1] = grad_outs · values: four products of 16 by 16.
  __device__ void multiply_rows() const {
    const int kind = warp_of_thread() / 2, side = warp_of_thread() % 2 * kSide;
    const bool wide = shape.keys > kSide;
    const T* left = (kind == 0 ? queries : grad_outs) + (wide ? 0 : side * stride);
    const T* right = (kind == 0 ? keys : values) + (wide ? side * stride : 0);
    device::tile_product<Product::kRowsByRows>(
        left, stride, right, stride,
        scores + kind * this->kind() + (wide ? side : side * shape.stride()), shape.stride(),
        padded);
  }
};

// ---- consecutive queries of a head and the part that their paths have in common ----

struct QueryTile {
  int first, count;  // queries of the head, all rows' together

  __device__ QueryTile(int tile, int64_t rows, int group) : first(tile * kSide) {
    const int64_t left = rows * group - first;
    count = static_cast<int>(left < kSide ? left : kSide);
  }
};

__device__ inline int block_min(int value, int* shared) {
  for (int lanes = kWarpSize / 2; lanes > 0; lanes /= 2) {
    const int other = __shfl_xor_sync(kAllLanes, value, lanes);
    value = other < value ? other : value;
  }
  if (lane_of_thread() == 0) shared[warp_of_thread()] = value;
  __syncthreads();
  for (int warp = 0; warp < kWarps; ++warp) value = shared[warp] < value ? shared[warp] : value;
  return value;
}

// Places [begin, end), where all rows of the tile have the same path; before `begin` none sees any.
struct CommonPath {
  const int32_t* rows;
  int begin, end;
};

// All threads of the block; `shared` may be written again after the next barrier.
__device__ inline CommonPath common_path(const TreeAttentionInput& input, const QueryTile& tile,
                                         int group, int* shared) {
  const int first = tile.first / group, last = (tile.first + tile.count - 1) / group;
  const Path path(input, first);
  int begin = path.begin, end = path.length;
  for (int row = first + 1; row <= last; ++row) {
    const Path other(input, row);
    begin = other.begin < begin ? other.begin : begin;
    end = other.length < end ? other.length : end;
  }
  for (int place = begin + static_cast<int>(threadIdx.x); place < end; place += kThreads)
    for (int row = first + 1; row <= last; ++row)
      end = Path(input, row).rows[place] == path.rows[place] ? end : place;
  return {path.rows, begin, block_min(end, shared)};
}

// ---- rows that a warp reads without a tile ----

// So many lanes share a row that each has kLaneColumns columns; the warp reads several rows at
// once.
template <typename T>
struct LaneRows {
  int width, lanes;

  __device__ explicit LaneRows(int width) : width(width), lanes(lanes_of_row(width)) {}
  __device__ int row() const { return lane_of_thread() / lanes; }
  __device__ int rows() const { return kWarpSize / lanes; }
  __device__ int column() const { return lane_of_thread() % lanes * kLaneColumns; }
  __device__ bool has_columns() const { return column() < width; }

  // The lane's columns of a row in global memory or in a tile; zeros past its end.
  template <typename Value>
  __device__ void load(const Value* row, float (&values)[kLaneColumns]) const {
    constexpr int kVector = 16 / sizeof(Value);
    for (int at = 0; at < kLaneColumns; at += kVector) {
      device::Pack<Value, kVector> pack{};
      if (has_columns()) pack = device::load_pack<Value, kVector>(row + column() + at);
      for (int i = 0; i < kVector; ++i) values[at + i] = to_float(pack.value[i]);
    }
  }
  __device__ void store(T* row, const float (&values)[kLaneColumns]) const {
    constexpr int kVector = 16 / sizeof(T);
    for (int at = 0; at < kLaneColumns; at += kVector) {
      device::Pack<T, kVector> pack;
      for (int i = 0; i < kVector; ++i) pack.value[i] = from_float<T>(values[at + i]);
      if (this->row() == 0 && has_columns()) device::store_pack(row + column() + at, pack);
    }
  }
  // Over the columns of each row, in all its lanes.
  __device__ float product(const float (&left)[kLaneColumns],
                           const float (&right)[kLaneColumns]) const {
    float sum = 0;
    for (int i = 0; i < kLaneColumns; ++i) sum = fmaf(left[i], right[i], sum);
    for (int step = lanes / 2; step > 0; step /= 2) sum += __shfl_xor_sync(kAllLanes, sum, step);
    return sum;
  }
};

}  // namespace serendip::tree_attention_device
