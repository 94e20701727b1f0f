// The code for one tile, compiled once for each instruction set. Lanes are items: a score is one
// chain of multiply-adds over the columns, whatever the block it is computed in. Nothing but names
// of this unit and of vector_math.h may be instantiated here: the linker could give other units
// this one's code.
#include <cstdint>
#include <limits>
#include <utility>

#include "kernels/cluster_softmax_topk_columns.inl"
#include "kernels/cluster_softmax_topk_tile.h"
#include "kernels/vector_math.h"

namespace serendip::cluster_softmax_topk_host {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
constexpr int64_t kMaskItems = 64;  // items a test of the threshold
constexpr int64_t kSumLanes = 16;   // of a row's sum, whatever the instruction set
// How far ahead of its use the table's memory is asked for, in bytes: into the first cache while
// items are read, into the second while they are not.
constexpr int64_t kNear = 8 << 10, kFar = 64 << 10;
constexpr int64_t kAskColumns = 8;
// Accumulators of a block of panels × queries: some registers are left for what they take in.
constexpr int kAccumulators = kVectorLanes == 16 ? 16 : 12;
constexpr int kMaxQueries = kVectorLanes == 16 ? 8 : 6;

inline int64_t smaller(int64_t left, int64_t right) { return left < right ? left : right; }
inline int64_t larger(int64_t left, int64_t right) { return left > right ? left : right; }
inline int64_t divided_up(int64_t value, int64_t by) { return (value + by - 1) / by; }

template <int kPanels, typename T, int kQueries>
void score_directly(const T* items, int64_t count, int64_t width, const float* const* queries,
                    float* scores, void* spare, const Upcoming& upcoming) {
  const int64_t panel_bytes = kVectorLanes * width * static_cast<int64_t>(sizeof(T));
  const int64_t distance = larger(kNear, kPanels * panel_bytes);
  visit_panels<kPanels>(
      items, count, width, spare, [&](auto panels, int64_t panel, const T* first) {
        Floats sums[panels.kPanels][kQueries] = {};
        visit_columns<true, panels.kPanels>(
            first, width, upcoming.after(panel * panel_bytes + distance),
            [&](int p, int64_t column, Floats values) __attribute__((always_inline)) {
#pragma GCC unroll 8
              for (int q = 0; q < kQueries; ++q)
                sums[p][q] = multiply_add(values, broadcast(queries[q][column]), sums[p][q]);
            });
#pragma GCC unroll 8
        for (int q = 0; q < kQueries; ++q)
#pragma GCC unroll 2
          for (int p = 0; p < panels.kPanels; ++p)
            store_floats(sums[p][q], scores + q * kScoreStride + (panel + p) * kVectorLanes);
      });
}

// scores[q][item], without packing: pays for a few queries. Two panels at a time hide the latency
// of few multiply-adds, as long as they and the next two fit the first cache.
template <typename T, int kQueries>
void score_unpacked(const T* items, int64_t count, int64_t width, const float* const* queries,
                    float* scores, void* spare, const Upcoming& upcoming) {
  if constexpr (kQueries <= kMaxQueries / 2) {
    if (2 * kVectorLanes * width * static_cast<int64_t>(sizeof(T)) <= 2 * kNear)
      return score_directly<2, T, kQueries>(items, count, width, queries, scores, spare, upcoming);
  }
  score_directly<1, T, kQueries>(items, count, width, queries, scores, spare, upcoming);
}

template <int kPanels, int kQueries>
void score_block(const float* packed, int64_t width, const float* const* queries, float* scores,
                 Ahead& ahead, int64_t lines) {
  Floats sums[kPanels][kQueries] = {};
  for (int64_t column = 0; column < width;) {
    ahead.into_second_cache(kPanels * lines);
    const int64_t last = smaller(column + kAskColumns, width);
    for (; column < last; ++column) {
      Floats items[kPanels];
#pragma GCC unroll 8
      for (int p = 0; p < kPanels; ++p)
        items[p] = load_floats(packed + (p * width + column) * kVectorLanes);
#pragma GCC unroll 8
      for (int q = 0; q < kQueries; ++q) {
        const Floats value = broadcast(queries[q][column]);
#pragma GCC unroll 8
        for (int p = 0; p < kPanels; ++p) sums[p][q] = multiply_add(items[p], value, sums[p][q]);
      }
    }
  }
#pragma GCC unroll 8
  for (int q = 0; q < kQueries; ++q)
#pragma GCC unroll 8
    for (int p = 0; p < kPanels; ++p)
      store_floats(sums[p][q], scores + q * kScoreStride + p * kVectorLanes);
}

// scores[q][item] of kQueries rows and a strip of packed panels. Asks for so many lines every
// kAskColumns columns of a panel.
template <int kQueries>
void score_strip(const float* packed, int64_t panels, int64_t width, const float* const* queries,
                 float* scores, Ahead& ahead, int64_t lines) {
  int64_t panel = 0;
  const auto blocks_of = [&]<int kPanels>(std::integral_constant<int, kPanels>) {
    for (; panel + kPanels <= panels; panel += kPanels)
      score_block<kPanels, kQueries>(packed + panel * width * kVectorLanes, width, queries,
                                     scores + panel * kVectorLanes, ahead, lines);
  };
  if constexpr (4 * kQueries <= kAccumulators) blocks_of(std::integral_constant<int, 4>{});
  if constexpr (2 * kQueries <= kAccumulators) blocks_of(std::integral_constant<int, 2>{});
  blocks_of(std::integral_constant<int, 1>{});
}

// Lane l of the result: lane l + kBy, modulo the number of lanes.
template <int kBy, int... kLanes>
inline Floats rotated(Floats values, std::integer_sequence<int, kLanes...>) {
  return __builtin_shufflevector(values, values, ((kLanes + kBy) % kVectorLanes)...);
}

// Combines all lanes: those half a vector apart, then a quarter, and so on.
template <int kHalf = kVectorLanes / 2, typename Combine>
inline float folded(Floats values, Combine combine) {
  values = combine(values, rotated<kHalf>(values, std::make_integer_sequence<int, kVectorLanes>{}));
  if constexpr (kHalf > 1) {
    return folded<kHalf / 2>(values, combine);
  } else {
    return values[0];
  }
}

inline float largest_lane(Floats values) { return folded(values, maximum); }

// Of `count` scores, a multiple of kMaskItems.
float largest_score(const float* scores, int64_t count) {
  Floats largest[4];
#pragma GCC unroll 4
  for (int64_t v = 0; v < 4; ++v) largest[v] = load_floats(scores + v * kVectorLanes);
  for (int64_t at = 4 * kVectorLanes; at < count; at += 4 * kVectorLanes)
#pragma GCC unroll 4
    for (int64_t v = 0; v < 4; ++v)
      largest[v] = maximum(largest[v], load_floats(scores + at + v * kVectorLanes));
  return largest_lane(maximum(maximum(largest[0], largest[1]), maximum(largest[2], largest[3])));
}

// Σ exp(score - max) over `count` scores, a multiple of kMaskItems. Asks for so many lines every
// kMaskItems items.
float sum_of_exp(const float* scores, int64_t count, float max, Ahead& ahead, int64_t lines) {
  constexpr int kVectors = kSumLanes / kVectorLanes;
  Floats sums[kVectors] = {};
  for (int64_t first = 0; first < count; first += kMaskItems) {
    ahead.into_second_cache(lines);
    for (int64_t at = first; at < first + kMaskItems; at += kSumLanes)
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        const Floats score = load_floats(scores + at + v * kVectorLanes);
        sums[v] += exp_normal(maximum(score - max, broadcast(-87.0f)));
      }
  }
  // In the order of one vector of kSumLanes.
  for (int half = kVectors / 2; half > 0; half /= 2)
    for (int v = 0; v < half; ++v) sums[v] += sums[v + half];
  return folded(sums[0], [](Floats left, Floats right) { return left + right; });
}

// A score that at least k of the items reach, and few more where the scores are not unkind; -inf
// where there are too few items. By bisection between the best of groups of items.
float bound_of_best(const float* scores, int64_t items, int64_t k) {
  const int64_t vectors = items / kVectorLanes;
  if (vectors * kVectorLanes < k) return kMinusInfinity;
  const int64_t groups = smaller(vectors, divided_up(larger(4 * k, 64), kVectorLanes));
  Floats best[kMaxTileItems / kVectorLanes];
  for (int64_t v = 0; v < groups; ++v) best[v] = load_floats(scores + v * kVectorLanes);
  for (int64_t v = groups, group = 0; v < vectors; ++v, group = group + 1 < groups ? group + 1 : 0)
    best[group] = maximum(best[group], load_floats(scores + v * kVectorLanes));
  Floats largest = broadcast(kMinusInfinity), negative = largest;
  for (int64_t v = 0; v < groups; ++v) {
    largest = maximum(largest, best[v]);
    negative = maximum(negative, -best[v]);
  }
  float low = -largest_lane(negative), high = largest_lane(largest);
  for (int step = 0; step < 12; ++step) {
    const float middle = 0.5f * low + 0.5f * high;
    int64_t reached = 0;
    for (int64_t v = 0; v < groups; ++v)
      reached += __builtin_popcount(lanes_at_least(best[v], broadcast(middle)));
    const bool enough = reached >= k;
    low = enough ? middle : low;
    high = enough ? high : middle;
    if (enough && reached <= k + k / 4) break;
  }
  return low;
}

// The items whose scores reach the threshold.
int64_t collect(const float* scores, const Tile& tile, float threshold, Candidate* found) {
  int64_t count = 0;
  for (int64_t first = 0; first < tile.item_count; first += kMaskItems) {
    Floats largest = load_floats(scores + first);
#pragma GCC unroll 8
    for (int64_t at = kVectorLanes; at < kMaskItems; at += kVectorLanes)
      largest = maximum(largest, load_floats(scores + first + at));
    if (lanes_at_least(largest, broadcast(threshold)) == 0) continue;
    uint64_t mask = 0;
#pragma GCC unroll 8
    for (int64_t at = 0; at < kMaskItems; at += kVectorLanes)
      mask |= static_cast<uint64_t>(
                  lanes_at_least(load_floats(scores + first + at), broadcast(threshold)))
              << at;
    const int64_t items = tile.item_count - first;
    if (items < kMaskItems) mask &= (uint64_t{1} << items) - 1;
    for (; mask != 0; mask &= mask - 1) {
      const int64_t item = first + __builtin_ctzll(mask);
      found[count++] = {scores[item], tile.first_item + item};
    }
  }
  return count;
}

// What one row takes from the tile.
void finish_row(const TileContext& context, const Tile& tile, const NamedCluster& named,
                float* scores, Ahead& ahead, int64_t lines) {
  const int64_t padded = divided_up(tile.item_count, kMaskItems) * kMaskItems;
  for (int64_t item = tile.item_count; item < padded; item += kVectorLanes)
    store_floats(broadcast(kMinusInfinity), scores + item);
  const float max = largest_score(scores, padded);
  context.sums[named.first_sum + tile.index] = {max, sum_of_exp(scores, padded, max, ahead, lines)};

  const float known = context.best->threshold(named.row);
  if (max < known) return;
  const float bound =
      known > kMinusInfinity ? known : bound_of_best(scores, tile.item_count, context.k);
  Candidate found[kMaxTileItems];
  const int64_t count = collect(scores, tile, bound, found);
  context.best->add(named.row, found, count, bound);
}

struct Room {
  float* scores;  // [kMaxTileRows][kScoreStride]
  float* spare;   // a panel
  float* packed;  // a strip
};

template <typename T, int... kCounts>
void score_few(const T* items, const Tile& tile, int64_t width, const float* const* queries,
               const Room& room, const Upcoming& upcoming, std::integer_sequence<int, kCounts...>) {
  using Score =
      void (*)(const T*, int64_t, int64_t, const float* const*, float*, void*, const Upcoming&);
  constexpr Score kScore[] = {score_unpacked<T, kCounts + 1>...};
  kScore[tile.row_count - 1](items, tile.item_count, width, queries, room.scores, room.spare,
                             upcoming);
}

// Panels that stay in the first cache while all rows pass over them: 1, 2 or a multiple of 4.
inline int64_t strip_panels(int64_t width) {
  const int64_t most = kStripFloats / (width * kVectorLanes);
  return most >= 4 ? most / 4 * 4 : most >= 2 ? 2 : 1;
}

template <typename T, int... kCounts>
void score_many(const T* items, const Tile& tile, int64_t width, const float* const* queries,
                const Room& room, const Upcoming& upcoming,
                std::integer_sequence<int, kCounts...>) {
  using Score =
      void (*)(const float*, int64_t, int64_t, const float* const*, float*, Ahead&, int64_t);
  constexpr Score kScore[] = {score_strip<kCounts + 1>...};
  const int64_t item_bytes = width * static_cast<int64_t>(sizeof(T));
  const int64_t strip_items = strip_panels(width) * kVectorLanes;
  const int64_t groups = divided_up(tile.row_count, kMaxQueries);
  const int64_t lines =
      divided_up(kAskColumns * kVectorLanes * static_cast<int64_t>(sizeof(T)), groups * kLine);
  for (int64_t item = 0; item < tile.item_count; item += strip_items) {
    const int64_t count = smaller(strip_items, tile.item_count - item);
    Ahead ahead = upcoming.after((item + strip_items) * item_bytes);
    pack(items + item * width, count, width, room.packed, room.spare);
    for (int64_t row = 0; row < tile.row_count; row += kMaxQueries)
      kScore[smaller(kMaxQueries, tile.row_count - row) - 1](
          room.packed, divided_up(count, kVectorLanes), width, queries + row,
          room.scores + row * kScoreStride + item, ahead, lines);
  }
}

template <typename T>
void score_tile(const T* table, const TileContext& context, const Tile& tile, const Room& room,
                const Upcoming& upcoming) {
  const float* queries[kMaxTileRows];
  for (int64_t row = 0; row < tile.row_count; ++row) {
    queries[row] = context.query + tile.rows[row].row * context.width;
    for (int64_t at = 0; at < context.width; at += kLine / 4) __builtin_prefetch(queries[row] + at);
    context.best->prefetch(tile.rows[row].row);
  }
  constexpr auto kCounts = std::make_integer_sequence<int, kMaxQueries>{};
  const T* const items = table + tile.first_item * context.width;
  if (tile.row_count <= kMaxQueries) {
    score_few(items, tile, context.width, queries, room, upcoming, kCounts);
  } else {
    score_many(items, tile, context.width, queries, room, upcoming, kCounts);
  }
}

void run_tile(const TileContext& context, const Tile& tile, float* memory, const Tile* next) {
  float* const spare = memory + kMaxTileRows * kScoreStride;
  const Room room{memory, spare, spare + context.width * kVectorLanes};
  const int64_t item_bytes = context.width * (context.type == FloatType::kFloat32 ? 4 : 2);
  const auto* const table = static_cast<const char*>(context.item_embedding);
  const int64_t end = tile.first_item + tile.item_count;
  const Upcoming upcoming{table + tile.first_item * item_bytes,
                          table + (next != nullptr ? next->first_item : end) * item_bytes,
                          tile.item_count * item_bytes};
  switch (context.type) {
    case FloatType::kFloat32:
      score_tile(static_cast<const float*>(context.item_embedding), context, tile, room, upcoming);
      break;
    case FloatType::kBFloat16:
      score_tile(static_cast<const BFloat16*>(context.item_embedding), context, tile, room,
                 upcoming);
      break;
    case FloatType::kFloat16:
      score_tile(static_cast<const Float16*>(context.item_embedding), context, tile, room,
                 upcoming);
  }
  const int64_t near = larger(kNear, item_bytes * kVectorLanes);
  const int64_t next_bytes = next != nullptr ? next->item_count * item_bytes : 0;
  const int64_t lines =
      divided_up(larger(smaller(kFar, next_bytes) - near, 0),
                 kLine * tile.row_count * divided_up(tile.item_count, kMaskItems));
  Ahead ahead = upcoming.after(tile.item_count * item_bytes + near);
  for (int64_t row = 0; row < tile.row_count; ++row)
    finish_row(context, tile, tile.rows[row], room.scores + row * kScoreStride, ahead, lines);
}

constexpr TileFunctions kTileFunctions{widen, run_tile};

}  // namespace
}  // namespace serendip::cluster_softmax_topk_host
