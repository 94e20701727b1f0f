// Work is cut in tiles of one cluster's items against the rows that name the cluster, so that an
// item is read once whatever the number of its queries. Each tile leaves a part of every row's sum,
// added up in ascending item order, and offers its best items to the row's list.
#include "kernels/cluster_softmax_topk.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "kernels/cluster_softmax_topk_tile.h"

namespace serendip::cluster_softmax_topk_host {
namespace {

constexpr int64_t kParallelWork = 1 << 18;  // multiplications that pay for waking threads
constexpr int64_t kInsertedAtMost = 32;     // so small a k is sorted by insertion
constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

bool better(const Candidate& left, const Candidate& right) {
  return left.score > right.score || (left.score == right.score && left.id < right.id);
}

// Moves the best k candidates to the front, best first; the rest is lost. Returns how many there
// are.
int64_t insert_best(Candidate* candidates, int64_t count, int64_t k) {
  int64_t held = 0;
  for (int64_t at = 0; at < count; ++at) {
    const Candidate candidate = candidates[at];
    if (held == k && !better(candidate, candidates[k - 1])) continue;
    int64_t place = held < k ? held++ : k - 1;
    for (; place > 0 && better(candidate, candidates[place - 1]); --place)
      candidates[place] = candidates[place - 1];
    candidates[place] = candidate;
  }
  return held;
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

// A cluster's tiles: of equal size but for the last, whatever the rows.
struct Tiling {
  int64_t first_item, item_count, tile_items, tile_count;

  Tiling(const ClusterSoftmaxTopkInput& input, int64_t cluster)
      : first_item(input.cluster_offset[cluster]),
        item_count(input.cluster_offset[cluster + 1] - first_item) {
    const int64_t tiles = std::max<int64_t>(divided_up(item_count, kMaxTileItems), 1);
    tile_items =
        std::max(divided_up(divided_up(item_count, tiles), kMaxLanes), int64_t{1}) * kMaxLanes;
    tile_count = divided_up(item_count, tile_items);
  }
};

struct Plan {
  std::vector<NamedCluster> named;
  std::vector<int64_t> row_sums;   // [B + 1] offsets of the rows' parts of sums
  std::vector<int64_t> row_items;  // [B + 1] offsets of the rows' items
  std::vector<Tile> tiles;
  int64_t work = 0;  // multiplications
};

void add_tiles(const Tiling& tiling, const NamedCluster* rows, int64_t row_count, Plan& plan) {
  for (int64_t index = 0; index < tiling.tile_count; ++index) {
    const int64_t begin = index * tiling.tile_items;
    const int64_t items = std::min(tiling.tile_items, tiling.item_count - begin);
    for (int64_t row = 0; row < row_count; row += kMaxTileRows)
      plan.tiles.push_back({tiling.first_item + begin, items, index, rows + row,
                            std::min(kMaxTileRows, row_count - row)});
  }
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

// A thread's room for tiles of the width, kept between calls.
float* thread_room(int64_t width) {
  constexpr size_t kAlignment = 64;
  thread_local std::vector<float> room;
  room.resize(
      std::max(room.size(), static_cast<size_t>(room_floats(width)) + kAlignment / sizeof(float)));
  const auto address = reinterpret_cast<uintptr_t>(room.data());
  const size_t skipped = (kAlignment - address % kAlignment) % kAlignment / sizeof(float);
  return room.data() + skipped;
}

// Deals tiles to the threads of a team in short runs: tiles of one cluster have the same rows, over
// which threads would meet. A thread's first run is always the same one, so that a table which fits
// the caches stays in those of the same threads. Tiles are small enough that their order does not
// matter to the time.
class TileQueue {
 public:
  explicit TileQueue(const std::vector<Tile>& tiles)
      : tiles_(tiles),
        run_(std::clamp(static_cast<int64_t>(tiles.size()) / (16 * omp_get_max_threads()),
                        int64_t{1}, int64_t{8})) {}

  // A thread's own place in the queue.
  struct Place {
    int64_t at = 0, end = 0;
  };
  Place first() const { return {omp_get_thread_num() * run_, (omp_get_thread_num() + 1) * run_}; }
  const Tile* next(Place& place) {
    if (place.at == place.end) {
      place.at = (omp_get_num_threads() + taken_++) * run_;
      place.end = place.at + run_;
    }
    const auto at = static_cast<size_t>(place.at);
    if (at >= tiles_.size()) return nullptr;
    ++place.at;
    return &tiles_[at];
  }

 private:
  const std::vector<Tile>& tiles_;
  int64_t run_;
  std::atomic<int64_t> taken_{0};
};

// Threads look one tile ahead, to ask for its memory in time.
void run_tiles(const TileFunctions& functions, const TileContext& context, const Plan& plan) {
  TileQueue queue(plan.tiles);
#pragma omp parallel if (plan.work > kParallelWork && plan.tiles.size() > 1)
  {
    float* room = thread_room(context.width);
    TileQueue::Place place = queue.first();
    const Tile* tile = queue.next(place);
    while (tile != nullptr) {
      const Tile* next = queue.next(place);
      functions.run_tile(context, *tile, room, next);
      tile = next;
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
  Candidate* const first = candidates_.get() + row.first;
  if (k_ <= kInsertedAtMost) {
    row.held = insert_best(first, row.held, k_);
  } else if (row.held >= k_) {
    std::nth_element(first, first + k_ - 1, first + row.held, better);
    row.held = k_;
  }
  if (row.held == k_) row.threshold = std::max<float>(row.threshold, first[k_ - 1].score);
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
  if (k_ > kInsertedAtMost) std::sort(first, first + row.held, better);
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

}  // namespace serendip::cluster_softmax_topk_host

namespace serendip {

void cluster_softmax_topk_cpu(const ClusterSoftmaxTopkInput& input,
                              const ClusterSoftmaxTopkOutput& output) {
  cluster_softmax_topk_host::cluster_softmax_topk_by(cluster_softmax_topk_host::fastest_functions(),
                                                     input, output);
}

}  // namespace serendip
