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
  bounds.min_items.assign(parts, 1);
  return bounds;
}

std::vector<int32_t> start(const Graph& graph, const std::vector<int64_t>& weight,
                           const PartitionGoal& goal) {
  BisectionGoal bisection;
  bisection.target.assign(static_cast<size_t>(goal.parts),
                          static_cast<int64_t>(kIntegerTotal) / goal.parts);
  bisection.tolerance = kSideTolerance;
  bisection.slack = *std::max_element(weight.begin(), weight.end());
  bisection.seed = goal.seed;
  return recursive_bisection(graph, weight, bisection);
}

// First the bounds at any price, then the cut within them.
void balance(const Graph& graph, const std::vector<int64_t>& own, const PartBounds& bounds,
             std::vector<int32_t>& part) {
  PartitionState state(graph, own, bounds, part);
  if (!restore_bounds(state)) redeal(state);
  lower_cut(state, kCutPasses);
}

}  // namespace

BalancedPartition balanced_partition(const Graph& graph, const std::vector<double>& weight,
                                     const PartitionGoal& goal) {
  const int64_t vertices = graph.vertex_count();
  SERENDIP_CHECK(vertices >= goal.parts, "{} items cannot make {} clusters", vertices, goal.parts);
  const double scale = scale_of(weight);
  const std::vector<int64_t> own = to_integers(weight, scale);
  const PartBounds bounds = integer_bounds(goal, own, scale);

  BalancedPartition result;
  result.part = start(graph, own, goal);
  balance(graph, own, bounds, result.part);
  for (int cycle = 0; cycle < kCycles; ++cycle)
    v_cycle(graph, own, bounds, mix_bits(goal.seed + static_cast<uint64_t>(cycle)), result.part);

  const std::vector<double> sums = sum_by_cluster(weight, result.part, goal.parts);
  result.least = *std::min_element(sums.begin(), sums.end());
  result.most = *std::max_element(sums.begin(), sums.end());
  result.bound_held = goal.bound.holds(result.least) && goal.bound.holds(result.most);
  std::vector<bool> used(static_cast<size_t>(goal.parts), false);
  for (const int32_t c : result.part) used[static_cast<size_t>(c)] = true;
  const auto empty = std::find(used.begin(), used.end(), false);
  SERENDIP_CHECK(empty == used.end(), "cluster {} of {} is empty", empty - used.begin(),
                 goal.parts);
  return result;
}

}  // namespace serendip
