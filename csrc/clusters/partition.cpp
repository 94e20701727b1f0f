#include "clusters/partition.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "clusters/bisection.h"
#include "clusters/redeal.h"
#include "clusters/refine.h"

namespace serendip {
namespace {

constexpr double kIntegerTotal = 0x1.0p60;
constexpr double kSideTolerance = 0.01;
constexpr int kCutPasses = 10;
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
  const bool watched = !goal.split_weight.empty();
  const std::vector<int64_t> split = to_integers(goal.split_weight, scale_of(goal.split_weight));

  BalancedPartition result;
  result.part = start(graph, watched ? split : own, goal);
  PartitionState state(graph, own, bounds, result.part);
  if (watched) {
    const double average = kIntegerTotal / static_cast<double>(goal.parts);
    state.watch(split, static_cast<int64_t>((1 - kLooseness) * average),
                static_cast<int64_t>((1 + kLooseness) * average));
    state.guard(true);
    restore_bounds(state);
    state.guard(false);
  }
  if (!state.holds() && !restore_bounds(state)) redeal(state);
  state.guard(true);
  lower_cut(state, kCutPasses);

  const std::vector<double> sums = sum_by_cluster(weight, result.part, goal.parts);
  result.least = *std::min_element(sums.begin(), sums.end());
  result.most = *std::max_element(sums.begin(), sums.end());
  result.bound_held = goal.bound.holds(result.least) && goal.bound.holds(result.most);
  for (int32_t c = 0; c < state.parts(); ++c) {
    SERENDIP_CHECK(state.missing_items(c) == 0, "cluster {} has {} items, expected at least {}", c,
                   state.items(c), goal.min_items);
  }
  return result;
}

}  // namespace serendip
