// The CUDA form of tree_attention: its arguments, how work is cut, and what a block keeps in shared
// memory. Host and device compute them alike.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/float_types.h"
#include "kernels/tree_attention.h"

namespace serendip {

// query [T, H, d], key and value [A, G, d], all of `type`; d is a multiple of 8 up to 256.
struct TreeAttentionInput {
  const void *query, *key, *value;
  FloatType type;
  int64_t rows, key_rows;  // T, A
  kernels::TreeAttentionShape shape;
  kernels::TreePaths paths;
  kernels::TreeAttentionOptions options;
};

// The inverse of the paths, by tiles of kKeyTile key rows: entries
// [offset[i], offset[i + 1]) are the query rows that see any key row of tile i, each once,
// ascending, and the tile's key rows that they see, as bits. offset: i64 [tiles + 1].
struct TreeAttentionKeyTiles {
  const int64_t* offset;
  const int32_t *row, *seen;
};

// out, grad_out [T, H, d] of the input's type; log_sum_exp [T, H].
struct TreeAttentionBackwardInput {
  const void *out, *grad_out;
  const float* log_sum_exp;
  TreeAttentionKeyTiles key_tiles;
};

namespace tree_attention_device {

constexpr int kWarpSize = 32, kWarps = 4, kThreads = kWarps * kWarpSize;
constexpr int kSide = 16;        // of a tensor-core product
constexpr int kKeyTile = 16;     // key rows that share a walk over their query rows
constexpr int kLaneColumns = 8;  // of a row that a warp reads outside tiles
constexpr int64_t kMaxWidth = 256, kWidthMultiple = 8;

// d rounded up to the products' multiple, and the distance of rows in shared memory.
SERENDIP_HOST_DEVICE constexpr int padded_width(int width) {
  return (width + kSide - 1) / kSide * kSide;
}
SERENDIP_HOST_DEVICE constexpr int row_stride(int width) { return padded_width(width) + 8; }

// Lanes that share a row: a power of two, so that the others can read further rows.
SERENDIP_HOST_DEVICE constexpr int lanes_of_row(int width) {
  int lanes = 1;
  while (lanes * kLaneColumns < width) lanes *= 2;
  return lanes;
}

// A tile of scores, queries by keys. Four warps make two such tiles at once.
struct TileShape {
  int queries, keys;
  int query_kinds;   // 1: queries, 2: and the gradients of their outputs
  int weight_kinds;  // that are multiplied with rows
  int sum_rows;      // of d float32 sums
  SERENDIP_HOST_DEVICE constexpr int stride() const { return keys + 8; }  // of scores and weights
};
SERENDIP_HOST_DEVICE constexpr TileShape forward_tile() { return {16, 32, 1, 1, 16}; }
SERENDIP_HOST_DEVICE constexpr TileShape grad_query_tile() { return {16, 32, 2, 1, 16}; }
SERENDIP_HOST_DEVICE constexpr TileShape grad_key_tile() {
  return {32, kKeyTile, 2, 2, 2 * kKeyTile};
}

// Byte offsets; queries come first.
struct TileLayout {
  int keys, scores, weights, sums, state, bytes;
};

SERENDIP_HOST_DEVICE constexpr TileLayout tile_layout(const TileShape& shape, int width,
                                                      int value_bytes) {
  const int row_bytes = row_stride(width) * value_bytes;
  TileLayout layout{};
  layout.keys = shape.query_kinds * shape.queries * row_bytes;
  layout.scores = layout.keys + 2 * shape.keys * row_bytes;
  layout.weights = layout.scores + 2 * shape.queries * shape.stride() * 4;
  layout.sums = layout.weights + shape.weight_kinds * shape.queries * shape.stride() * value_bytes;
  layout.state = layout.sums + shape.sum_rows * row_stride(width) * 4;
  layout.bytes = layout.state + 2 * shape.queries * 4;
  return layout;
}

SERENDIP_HOST_DEVICE constexpr int64_t tiles_of(int64_t count, int64_t each) {
  return (count + each - 1) / each;
}

// ---- the gradients of keys and values ----

constexpr int64_t kPartGrain = 64, kPartsAimedAt = 1024;

// In global memory, but for the number of parts beyond one a key tile.
struct Workspace {
  float* mean_grad;  // [T, H] grad_out · out
  float* part_grad;  // [most_parts, G, 2, kKeyTile, d]: of keys, of values
  int64_t extra_parts;
};

// The entries of a key tile, times the query heads of its key head, are cut into parts of `length`
// queries, so that no block walks much further than others. Parts are numbered so that tile i has
// those from first(i) on, no fewer than it needs; all together they are at most most_parts().
struct KeyParts {
  const int64_t* offset;
  int64_t group, length;

  SERENDIP_HOST_DEVICE KeyParts(const TreeAttentionInput& input,
                                const TreeAttentionKeyTiles& key_tiles, int64_t extra_parts)
      : offset(key_tiles.offset), group(input.shape.heads / input.shape.key_value_heads) {
    const int64_t queries = offset[tiles_of(input.key_rows, kKeyTile)] * group;
    const int64_t grains = tiles_of(tiles_of(queries, extra_parts), kPartGrain);
    length = (grains > 0 ? grains : 1) * kPartGrain;
  }
  SERENDIP_HOST_DEVICE int64_t queries(int64_t tile) const {
    return (offset[tile + 1] - offset[tile]) * group;
  }
  SERENDIP_HOST_DEVICE int64_t first(int64_t tile) const {
    return offset[tile] * group / length + tile;
  }
  SERENDIP_HOST_DEVICE int64_t parts(int64_t tile) const { return tiles_of(queries(tile), length); }
};

inline int64_t extra_parts_of(const TreeAttentionInput& input) {
  return std::max<int64_t>(1, kPartsAimedAt / input.shape.key_value_heads);
}
inline int64_t most_parts(const TreeAttentionInput& input, int64_t extra_parts) {
  return tiles_of(input.key_rows, kKeyTile) + extra_parts;
}
inline int64_t part_grad_count(const TreeAttentionInput& input, int64_t extra_parts) {
  return most_parts(input, extra_parts) * input.shape.key_value_heads * 2 * kKeyTile *
         input.shape.head_dim;
}

}  // namespace tree_attention_device
}  // namespace serendip
