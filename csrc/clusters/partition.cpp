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

struct IntegerProblem {
  std::vector<int64_t> weight;
  PartBounds bounds;
};

// Weights scaled to sum to about 2^60. The bounds are drawn in by what rounding can amount to, so
// that what holds here holds for the sums of the double weights.
IntegerProblem to_integers(const std::vector<double>& weight, const PartitionGoal& goal) {
  const double total = std::accumulate(weight.begin(), weight.end(), 0.0);
  const double scale = total > 0 ? kIntegerTotal / total : 0.0;
  IntegerProblem problem;
  problem.weight.reserve(weight.size());
  for (const double value : weight) problem.weight.push_back(std::llround(value * scale));
  const auto margin = 64 * static_cast<int64_t>(weight.size()) + 4096;
  const int64_t upper =
      static_cast<int64_t>(std::min(goal.bound.upper * scale, kIntegerTotal)) - margin;
  const int64_t lower = static_cast<int64_t>(goal.bound.lower * scale) + margin;
  const int64_t sum = std::accumulate(problem.weight.begin(), problem.weight.end(), int64_t{0});
  const auto parts = static_cast<size_t>(goal.parts);
  problem.bounds.upper.assign(parts, std::max<int64_t>(0, upper));
  problem.bounds.lower.assign(parts, goal.bound.lower > 0 ? lower : 0);
  problem.bounds.target.assign(parts, sum / goal.parts);
  problem.bounds.min_items.assign(parts, goal.min_items);
  return problem;
}

BisectionGoal bisection_goal(const IntegerProblem& problem, const PartitionGoal& goal) {
  BisectionGoal result;
  result.target = problem.bounds.target;
  result.min_items = goal.min_items;
  result.tolerance = kSideTolerance;
  result.slack = *std::max_element(problem.weight.begin(), problem.weight.end());
  result.seed = goal.seed;
  return result;
}

}  // namespace

BalancedPartition balanced_partition(const Graph& graph, const std::vector<double>& weight,
                                     const PartitionGoal& goal) {
  const int64_t vertices = graph.vertex_count();
  SERENDIP_CHECK(vertices >= goal.parts * goal.min_items,
                 "{} items cannot make {} clusters of at least {} items: {} are needed", vertices,
                 goal.parts, goal.min_items, goal.parts * goal.min_items);
  const IntegerProblem problem = to_integers(weight, goal);
  BalancedPartition result;
  result.part = recursive_bisection(graph, problem.weight, bisection_goal(problem, goal));
  PartitionState state(graph, problem.weight, problem.bounds, result.part);
  if (!restore_bounds(state)) redeal(state);
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
