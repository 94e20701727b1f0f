#include "clusters/partition.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/random.h"
#include "clusters/bisection.h"
#include "clusters/redeal.h"
#include "clusters/refine.h"
#include "clusters/v_cycle.h"

namespace serendip {
namespace {

constexpr double kIntegerTotal = 0x1.0p60;
constexpr double kSideTolerance = 0.01;
constexpr int kCutPasses = 10;
constexpr int kCycles = 3;
constexpr double kLooseness = 0.2;  // of the sums of split weights, as a share of their average

// Weights scaled to sum to about 2^60; all zero when they are.
std::vector<int64_t> to_integers(const std::vector<double>& weight, double scale) {
  std::vector<int64_t> integers;
  integers.reserve(weight.size());
  for (const double value : weight) integers.push_back(std::llround(value * scale));
  return integers;
}

double scale_of(const std::vector<double>& weight) {
  const double total = std::accumulate(weight.begin(), weight.end(), 0.0);
  return total > 0 ? kIntegerTotal / total : 0.0;
}

// The bounds are drawn in by what rounding can amount to, so that what holds for the integers holds
// for the sums of the weights.
PartBounds integer_bounds(const PartitionGoal& goal, const std::vector<int64_t>& weight,
                          double scale) {
  const auto margin = 64 * static_cast<int64_t>(weight.size()) + 4096;
  const auto upper = static_cast<int64_t>(std::min(goal.bound.upper * scale, kIntegerTotal));
  const auto lower = static_cast<int64_t>(goal.bound.lower * scale);
  const int64_t sum = std::accumulate(weight.begin(), weight.end(), int64_t{0});
  const auto parts = static_cast<size_t>(goal.parts);
  PartBounds bounds;
  bounds.upper.assign(parts, std::max<int64_t>(0, upper - margin));
  bounds.lower.assign(parts, goal.bound.lower > 0 ? lower + margin : 0);
  bounds.target.assign(parts, sum / goal.parts);
  bounds.min_items.assign(parts, goal.min_items);
  return bounds;
}

std::vector<int32_t> start(const Graph& graph, const std::vector<int64_t>& weight,
                           const PartitionGoal& goal) {
  BisectionGoal bisection;
  bisection.target.assign(static_cast<size_t>(goal.parts),
                          static_cast<int64_t>(kIntegerTotal) / goal.parts);
  bisection.min_items = goal.min_items;
  bisection.tolerance = kSideTolerance;
  bisection.slack = *std::max_element(weight.begin(), weight.end());
  bisection.seed = goal.seed;
  return recursive_bisection(graph, weight, bisection);
}

// First the sums of the split weights as far as the bounds allow, then the bounds at any price,
// then the cut within them.
void balance(const Graph& graph, const std::vector<int64_t>& own, const Watched& watched,
             const PartBounds& bounds, std::vector<int32_t>& part) {
  PartitionState state(graph, own, bounds, part);
  if (!watched.weight.empty()) {
    state.watch(watched.weight, watched.lower, watched.upper);
    state.guard(true);
    restore_bounds(state);
    state.guard(false);
  }
  if (!state.holds() && !restore_bounds(state)) redeal(state);
  state.guard(true);
  lower_cut(state, kCutPasses);
}

}  // namespace

BalancedPartition balanced_partition(const Graph& graph, const std::vector<double>& weight,
                                     const PartitionGoal& goal) {
  const int64_t vertices = graph.vertex_count();
  SERENDIP_CHECK(vertices >= goal.parts * goal.min_items,
                 "{} items cannot make {} clusters of at least {} items: {} are needed", vertices,
                 goal.parts, goal.min_items, goal.parts * goal.min_items);
  const double scale = scale_of(weight);
  const std::vector<int64_t> own = to_integers(weight, scale);
  const PartBounds bounds = integer_bounds(goal, own, scale);
  const double average = kIntegerTotal / static_cast<double>(goal.parts);
  const Watched watched = {to_integers(goal.split_weight, scale_of(goal.split_weight)),
                           static_cast<int64_t>((1 - kLooseness) * average),
                           static_cast<int64_t>((1 + kLooseness) * average)};

  BalancedPartition result;
  result.part = start(graph, watched.weight.empty() ? own : watched.weight, goal);
  balance(graph, own, watched, bounds, result.part);
  for (int cycle = 0; cycle < kCycles; ++cycle)
    v_cycle(graph, own, watched, bounds, mix_bits(goal.seed + static_cast<uint64_t>(cycle)),
            result.part);

  const std::vector<double> sums = sum_by_cluster(weight, result.part, goal.parts);
  result.least = *std::min_element(sums.begin(), sums.end());
  result.most = *std::max_element(sums.begin(), sums.end());
  result.bound_held = goal.bound.holds(result.least) && goal.bound.holds(result.most);
  std::vector<int64_t> items(static_cast<size_t>(goal.parts), 0);
  for (const int32_t c : result.part) ++items[static_cast<size_t>(c)];
  for (size_t c = 0; c < items.size(); ++c) {
    SERENDIP_CHECK(items[c] >= goal.min_items, "cluster {} has {} items, expected at least {}", c,
                   items[c], goal.min_items);
  }
  return result;
}

}  // namespace serendip
