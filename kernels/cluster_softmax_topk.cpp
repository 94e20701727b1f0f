// Work is cut in tiles of one cluster's items against the rows that name the cluster, so that an
// item is read once whatever the number of its queries. Each tile leaves a part of every row's sum,
// added up in ascending item order, and offers its best items to the row's list.
#include "kernels/cluster_softmax_topk.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "kernels/cluster_softmax_topk_tile.h"

namespace serendip {
namespace {

constexpr int64_t kParallelWork = 1 << 18;  // multiplications that pay for waking threads
constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

bool better(const Candidate& left, const Candidate& right) {
  return left.score > right.score || (left.score == right.score && left.id < right.id);
}

int64_t divided_up(int64_t value, int64_t by) { return (value + by - 1) / by; }

// Ascending by cluster, then row, each once. Cost does not follow the number of clusters where few
// are named.
std::vector<NamedCluster> named_clusters(const ClusterSoftmaxTopkInput& input) {
  const int64_t count = input.row_offset[input.query_count];
  std::vector<NamedCluster> named(static_cast<size_t>(count));
  const auto visit = [&](auto place_of) {
    for (int64_t row = 0; row < input.query_count; ++row)
      for (int64_t at = input.row_offset[row]; at < input.row_offset[row + 1]; ++at)
        named[static_cast<size_t>(place_of(at))] = {input.row_cluster[at], row, 0};
  };
  if (count < input.cluster_count / 8) {
    visit([](int64_t at) { return at; });
    std::sort(named.begin(), named.end(), [](const NamedCluster& left, const NamedCluster& right) {
      return left.cluster < right.cluster ||
             (left.cluster == right.cluster && left.row < right.row);
    });
  } else {
    std::vector<int64_t> place(static_cast<size_t>(input.cluster_count) + 1);
    for (int64_t at = 0; at < count; ++at) ++place[static_cast<size_t>(input.row_cluster[at]) + 1];
    for (size_t cluster = 1; cluster < place.size(); ++cluster)
      place[cluster] += place[cluster - 1];
    visit([&](int64_t at) { return place[static_cast<size_t>(input.row_cluster[at])]++; });
  }
  const auto same = [](const NamedCluster& left, const NamedCluster& right) {
    return left.cluster == right.cluster && left.row == right.row;
  };
  named.erase(std::unique(named.begin(), named.end(), same), named.end());
  return named;
}

// A cluster's tiles: of equal size but for the last. The cluster and the width alone decide.
struct Tiling {
  int64_t first_item, item_count, tile_items, tile_count;

  Tiling(const ClusterSoftmaxTopkInput& input, int64_t cluster)
      : first_item(input.cluster_offset[cluster]),
        item_count(input.cluster_offset[cluster + 1] - first_item) {
    const int64_t tiles = std::max<int64_t>(divided_up(item_count, kMaxTileItems), 1);
    tile_items = std::max(divided_up(divided_up(item_count, tiles), kTileAlignment), int64_t{1}) *
                 kTileAlignment;
    tile_count = divided_up(item_count, tile_items);
  }
};

struct Plan {
  std::vector<NamedCluster> named;
  std::vector<int64_t> row_sums;   // [B + 1] offsets of the rows' parts of sums
  std::vector<int64_t> row_items;  // [B + 1] offsets of the rows' items
  std::vector<Tile> tiles;
  int64_t largest_tile = 0;  // items
  int64_t work = 0;          // multiplications
};

void add_tiles(const Tiling& tiling, const NamedCluster* rows, int64_t row_count, Plan& plan) {
  for (int64_t index = 0; index < tiling.tile_count; ++index) {
    const int64_t begin = index * tiling.tile_items;
    const int64_t items = std::min(tiling.tile_items, tiling.item_count - begin);
    for (int64_t row = 0; row < row_count; row += kTileRows)
      plan.tiles.push_back({tiling.first_item + begin, items, index, rows + row,
                            std::min(kTileRows, row_count - row)});
  }
  plan.largest_tile = std::max(plan.largest_tile, std::min(tiling.tile_items, tiling.item_count));
}

Plan make_plan(const ClusterSoftmaxTopkInput& input) {
  Plan plan;
  plan.named = named_clusters(input);
  plan.row_sums.resize(static_cast<size_t>(input.query_count) + 1);
  plan.row_items.resize(plan.row_sums.size());
  for (auto first = plan.named.begin(); first != plan.named.end();) {
    const auto last = std::find_if(first, plan.named.end(), [&](const NamedCluster& other) {
      return other.cluster != first->cluster;
    });
    const Tiling tiling(input, first->cluster);
    for (auto at = first; at != last; ++at) {
      at->first_sum = plan.row_sums[static_cast<size_t>(at->row) + 1];
      plan.row_sums[static_cast<size_t>(at->row) + 1] += tiling.tile_count;
      plan.row_items[static_cast<size_t>(at->row) + 1] += tiling.item_count;
    }
    add_tiles(tiling, &*first, last - first, plan);
    plan.work += (last - first) * tiling.item_count * input.width;
    first = last;
  }
  for (size_t row = 1; row < plan.row_sums.size(); ++row) {
    plan.row_sums[row] += plan.row_sums[row - 1];
    plan.row_items[row] += plan.row_items[row - 1];
  }
  for (NamedCluster& named : plan.named)
    named.first_sum += plan.row_sums[static_cast<size_t>(named.row)];
  return plan;
}

// A thread's room for a packed tile, kept between calls.
float* packed_room(int64_t floats) {
  thread_local std::vector<float> room;
  constexpr size_t kAlignment = 64 / sizeof(float);
  room.resize(std::max(room.size(), static_cast<size_t>(floats) + kAlignment));
  const auto address = reinterpret_cast<uintptr_t>(room.data());
  return room.data() + (64 - address % 64) % 64 / sizeof(float);
}

// Threads take tiles in turn, each one ahead, to ask for its memory in time.
void run_tiles(const TileFunctions& functions, const TileContext& context, const Plan& plan) {
  const auto count = static_cast<int64_t>(plan.tiles.size());
  std::atomic<int64_t> taken{0};
#pragma omp parallel if (plan.work > kParallelWork && count > 1)
  {
    float* packed = packed_room(8192 + 16 * context.width + 2 * kTileAlignment * context.width +
                                kTileRows * kScoreStride);
    for (int64_t at = taken++; at < count;) {
      const Tile& tile = plan.tiles[static_cast<size_t>(at)];
      at = taken++;
      functions.run_tile(context, tile, packed,
                         at < count ? &plan.tiles[static_cast<size_t>(at)] : nullptr);
    }
  }
}

double log_sum_of(const ScoreSum* sums, int64_t count) {
  if (count == 0) return -std::numeric_limits<double>::infinity();
  double max = static_cast<double>(sums->max), total = 0.0;
  for (int64_t at = 0; at < count; ++at) max = std::max(max, static_cast<double>(sums[at].max));
  for (int64_t at = 0; at < count; ++at)
    total += static_cast<double>(sums[at].sum) * std::exp(static_cast<double>(sums[at].max) - max);
  return max + std::log(total);
}

void write_row(std::span<const Candidate> best, double log_sum, int64_t k, int64_t* ids,
               float* log_prob) {
  const auto held = static_cast<int64_t>(best.size());
  for (int64_t rank = 0; rank < held; ++rank) {
    const Candidate& candidate = best[static_cast<size_t>(rank)];
    ids[rank] = candidate.id;
    log_prob[rank] = static_cast<float>(static_cast<double>(candidate.score) - log_sum);
  }
  std::fill(ids + held, ids + k, int64_t{-1});
  std::fill(log_prob + held, log_prob + k, kMinusInfinity);
}

const TileFunctions& fastest_functions() {
#ifdef __x86_64__
  static const bool has_avx512 =
      __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (has_avx512 && tile_functions_avx512() != nullptr) return *tile_functions_avx512();
#endif
  return *tile_functions_avx2();
}

}  // namespace

BestOfRows::BestOfRows(const std::vector<int64_t>& row_items, int64_t k)
    : k_(k), rows_(row_items.size() - 1) {
  int64_t first = 0;
  for (size_t row = 0; row < rows_.size(); ++row) {
    const int64_t items = row_items[row + 1] - row_items[row];
    rows_[row].first = first;
    // The k best are chosen again after k more at least: a constant share of the work an item.
    rows_[row].capacity = items / 2 < k + 8 ? items : 2 * k + 16;
    first += rows_[row].capacity;
  }
  candidates_ = std::make_unique_for_overwrite<Candidate[]>(static_cast<size_t>(first));
}

float BestOfRows::threshold(int64_t row) const {
  return rows_[static_cast<size_t>(row)].threshold.load(std::memory_order_relaxed);
}

void BestOfRows::prefetch(int64_t row) const {
  __builtin_prefetch(&rows_[static_cast<size_t>(row)], 1);
}

void BestOfRows::keep_best(Row& row) {
  if (row.held <= k_) return;
  Candidate* const first = candidates_.get() + row.first;
  std::nth_element(first, first + k_ - 1, first + row.held, better);
  row.held = k_;
  if (first[k_ - 1].score > row.threshold) row.threshold = first[k_ - 1].score;
}

void BestOfRows::add(int64_t row_index, const Candidate* candidates, int64_t count, float bound) {
  const std::lock_guard lock(locks_[static_cast<size_t>(row_index) % locks_.size()]);
  Row& row = rows_[static_cast<size_t>(row_index)];
  if (bound > row.threshold) row.threshold = bound;
  for (int64_t at = 0; at < count; ++at) {
    if (candidates[at].score < row.threshold) continue;
    if (row.held == row.capacity) keep_best(row);
    candidates_[static_cast<size_t>(row.first + row.held++)] = candidates[at];
  }
}

std::span<const Candidate> BestOfRows::sorted(int64_t row_index) {
  Row& row = rows_[static_cast<size_t>(row_index)];
  keep_best(row);
  Candidate* const first = candidates_.get() + row.first;
  std::sort(first, first + row.held, better);
  return {first, static_cast<size_t>(row.held)};
}

void cluster_softmax_topk_by(const TileFunctions& functions, const ClusterSoftmaxTopkInput& input,
                             const ClusterSoftmaxTopkOutput& output) {
  const Plan plan = make_plan(input);
  std::vector<float> widened;
  if (input.type != FloatType::kFloat32) {
    widened.resize(static_cast<size_t>(input.query_count * input.width));
    functions.widen(input.query, input.type, input.query_count * input.width, widened.data());
  }
  std::vector<ScoreSum> sums(static_cast<size_t>(plan.row_sums.back()));
  BestOfRows best(plan.row_items, input.k);
  run_tiles(
      functions,
      {input.type == FloatType::kFloat32 ? static_cast<const float*>(input.query) : widened.data(),
       input.item_embedding, input.type, input.width, input.k, sums.data(), &best},
      plan);
#pragma omp parallel for schedule(static) if (plan.work > kParallelWork)
  for (int64_t row = 0; row < input.query_count; ++row) {
    const int64_t first = plan.row_sums[static_cast<size_t>(row)];
    const double log_sum =
        log_sum_of(sums.data() + first, plan.row_sums[static_cast<size_t>(row) + 1] - first);
    write_row(best.sorted(row), log_sum, input.k, output.ids + row * input.k,
              output.log_prob + row * input.k);
    output.log_z[row] = static_cast<float>(log_sum);
  }
}

void cluster_softmax_topk_cpu(const ClusterSoftmaxTopkInput& input,
                              const ClusterSoftmaxTopkOutput& output) {
  cluster_softmax_topk_by(fastest_functions(), input, output);
}

}  // namespace serendip
