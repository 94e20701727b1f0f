// What the units of cluster_softmax_topk share: a tile of a cluster's items against rows that name
// the cluster, and the lists of the best items that tiles add to.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "kernels/cluster_softmax_topk.h"

namespace serendip::cluster_softmax_topk_host {

constexpr int64_t kMaxTileItems = 1024, kMaxTileRows = 64;
// Floats between the scores of two rows: an odd number of cache lines.
constexpr int64_t kScoreStride = kMaxTileItems + 16;
constexpr int64_t kMaxLanes = 16;          // of any instruction set's vectors
constexpr int64_t kStripFloats = 8 << 10;  // packed items that stay in the first cache

struct Candidate {
  float score;
  int64_t id;
};

// The k best candidates of every row, whatever the order in which threads add them.
class BestOfRows {
 public:
  // `row_items` [B + 1] ascending from 0: how many candidates the rows may get.
  BestOfRows(const std::vector<int64_t>& row_items, int64_t k);

  // A score below it is not among the row's k best; -inf where nothing is known.
  float threshold(int64_t row) const;
  // The row will be needed soon.
  void prefetch(int64_t row) const;
  // At least k items of the row are known to reach `bound`; -inf where that is not known.
  void add(int64_t row, const Candidate* candidates, int64_t count, float bound);
  // Best first, at most k. No other thread may use the row by now.
  std::span<const Candidate> sorted(int64_t row);

 private:
  struct Row {
    std::atomic<float> threshold{-std::numeric_limits<float>::infinity()};
    int64_t first = 0, held = 0, capacity = 0;  // in candidates_
  };

  void keep_best(Row& row);

  int64_t k_;
  std::vector<Row> rows_;
  std::unique_ptr<Candidate[]> candidates_;
  std::array<std::mutex, 64> locks_;
};

// A row's share of the sum over a tile: Σ exp(score - max).
struct ScoreSum {
  float max;
  float sum;
};

// A row that names a cluster.
struct NamedCluster {
  int64_t cluster, row;
  int64_t first_sum;  // of the cluster's tiles, for this row
};

struct Tile {
  int64_t first_item, item_count;
  int64_t index;  // among the cluster's tiles
  const NamedCluster* rows;
  int64_t row_count;
};

struct TileContext {
  const float* query;  // [B, d]
  const void* item_embedding;
  FloatType type;  // of item_embedding
  int64_t width, k;
  ScoreSum* sums;
  BestOfRows* best;
};

// Of a tile's scores, a strip of packed items and one panel of kMaxLanes.
constexpr int64_t room_floats(int64_t width) {
  const int64_t panel = kMaxLanes * width;
  return kMaxTileRows * kScoreStride + panel + (panel > kStripFloats ? panel : kStripFloats);
}

// One instruction set's code.
struct TileFunctions {
  void (*widen)(const void* values, FloatType type, int64_t count, float* result);
  // `room`: room_floats(d) floats, 64-byte aligned. `next`: this thread's next tile, whose memory
  // is asked for, or null.
  void (*run_tile)(const TileContext& context, const Tile& tile, float* room, const Tile* next);
};

// Equal results to the bit, where the machine has fused multiply-add. Null where the compiler's
// target has no such instructions.
const TileFunctions* tile_functions_avx2();
const TileFunctions* tile_functions_avx512();

// The contract's function by the given code.
void cluster_softmax_topk_by(const TileFunctions& functions, const ClusterSoftmaxTopkInput& input,
                             const ClusterSoftmaxTopkOutput& output);

}  // namespace serendip::cluster_softmax_topk_host
