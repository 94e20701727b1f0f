#include "clusters/bisection.h"

#include <metis.h>

#include <cmath>
#include <mutex>
#include <numeric>

#include "base/check.h"
#include "base/interrupt.h"
#include "base/random.h"
#include "clusters/refine.h"

namespace serendip {
namespace {

constexpr double kMetisTotal = 1 << 30;
constexpr int kSidePasses = 2;

// Scaled to METIS's 32 bits. A hundredth of the average is added to every item, so that items
// without traffic are spread too.
std::vector<idx_t> metis_weights(const std::vector<int64_t>& weight) {
  const double total = std::accumulate(weight.begin(), weight.end(), 0.0);
  const double base = std::max(1.0, 0.01 * total) / static_cast<double>(weight.size());
  const double scale = kMetisTotal / (total + base * static_cast<double>(weight.size()));
  std::vector<idx_t> scaled;
  scaled.reserve(weight.size());
  for (const int64_t value : weight) {
    scaled.push_back(std::max<idx_t>(
        1, static_cast<idx_t>(std::floor((static_cast<double>(value) + base) * scale))));
  }
  return scaled;
}

// Two sides, 0 and 1; side 0 aims at `share` of the weight. Needs two vertices or more.
std::vector<int32_t> metis_bisection(const Graph& graph, const std::vector<int64_t>& weight,
                                     double share, uint64_t seed) {
  auto vertices = static_cast<idx_t>(graph.vertex_count());
  std::vector<idx_t> offset(graph.offset.begin(), graph.offset.end());
  std::vector<idx_t> neighbor(graph.neighbor.begin(), graph.neighbor.end());
  std::vector<idx_t> edge_weight(graph.weight.begin(), graph.weight.end());
  neighbor.reserve(1);  // METIS wants addresses even without edges
  edge_weight.reserve(1);
  std::vector<idx_t> vertex_weight = metis_weights(weight);
  real_t targets[2] = {static_cast<real_t>(share), static_cast<real_t>(1.0 - share)};
  idx_t options[METIS_NOPTIONS];
  METIS_SetDefaultOptions(options);
  options[METIS_OPTION_SEED] = static_cast<idx_t>(seed & 0x7fffffff);
  options[METIS_OPTION_NUMBERING] = 0;
  idx_t constraints = 1;
  idx_t parts = 2;
  idx_t cut = 0;
  std::vector<idx_t> side(static_cast<size_t>(vertices), 0);
  // METIS draws its random numbers from one state for all threads.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const int status = METIS_PartGraphRecursive(
      &vertices, &constraints, offset.data(), neighbor.data(), vertex_weight.data(), nullptr,
      edge_weight.data(), &parts, targets, nullptr, options, &cut, side.data());
  SERENDIP_CHECK(status == METIS_OK, "METIS failed with status {} on {} vertices", status,
                 vertices);
  return {side.begin(), side.end()};
}

struct Bisector {
  const Graph& graph;
  const std::vector<int64_t>& weight;
  const BisectionGoal& goal;
  std::vector<int32_t> part;   // result
  std::vector<int32_t> local;  // scratch of subgraph()

  void split(const std::vector<int32_t>& vertices, size_t first, size_t parts) {
    throw_if_interrupted();
    if (parts == 1 || vertices.size() <= parts) {
      for (size_t i = 0; i < vertices.size(); ++i) {
        part[static_cast<size_t>(vertices[i])] = static_cast<int32_t>(first + i % parts);
      }
      return;
    }
    const size_t left = parts / 2;
    const std::vector<int32_t> side = sides(vertices, first, left, parts);
    std::vector<int32_t> half[2];
    for (size_t i = 0; i < vertices.size(); ++i) half[side[i]].push_back(vertices[i]);
    split(half[0], first, left);
    split(half[1], first + left, parts - left);
  }

  std::vector<int32_t> sides(const std::vector<int32_t>& vertices, size_t first, size_t left,
                             size_t parts) {
    const Graph inner = subgraph(graph, vertices, local);
    std::vector<int64_t> inner_weight;
    for (const int32_t vertex : vertices) {
      inner_weight.push_back(weight[static_cast<size_t>(vertex)]);
    }
    const auto begin = goal.target.begin() + static_cast<std::ptrdiff_t>(first);
    const int64_t goal_left =
        std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(left), int64_t{0});
    const int64_t goal_all =
        std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(parts), int64_t{0});
    const double share = goal_all > 0
                             ? static_cast<double>(goal_left) / static_cast<double>(goal_all)
                             : static_cast<double>(left) / static_cast<double>(parts);
    std::vector<int32_t> side =
        metis_bisection(inner, inner_weight, share, mix_bits(goal.seed ^ ((first << 20) ^ parts)));
    const PartBounds bounds = side_bounds(inner_weight, share, left, parts - left);
    PartitionState state(inner, inner_weight, bounds, side);
    restore_bounds(state);
    lower_cut(state, kSidePasses);
    return side;
  }

  // What is there is shared out in proportion, though it may differ from the goal.
  PartBounds side_bounds(const std::vector<int64_t>& inner_weight, double share, size_t left,
                         size_t right) const {
    const int64_t total = std::accumulate(inner_weight.begin(), inner_weight.end(), int64_t{0});
    const auto target_left = static_cast<int64_t>(std::llround(static_cast<double>(total) * share));
    PartBounds bounds;
    bounds.target = {target_left, total - target_left};
    for (const int64_t target : bounds.target) {
      const int64_t room =
          static_cast<int64_t>(static_cast<double>(target) * goal.tolerance) + goal.slack;
      bounds.lower.push_back(std::max<int64_t>(0, target - room));
      bounds.upper.push_back(target + room);
    }
    const auto items = static_cast<int64_t>(inner_weight.size());
    const int64_t each = std::min<int64_t>(1, items / static_cast<int64_t>(left + right));
    bounds.min_items = {each * static_cast<int64_t>(left), each * static_cast<int64_t>(right)};
    return bounds;
  }
};

}  // namespace

std::vector<int32_t> recursive_bisection(const Graph& graph, const std::vector<int64_t>& weight,
                                         const BisectionGoal& goal) {
  const auto vertices = static_cast<size_t>(graph.vertex_count());
  Bisector bisector{graph, weight, goal, std::vector<int32_t>(vertices, 0),
                    std::vector<int32_t>(vertices, -1)};
  std::vector<int32_t> all(vertices);
  std::iota(all.begin(), all.end(), 0);
  bisector.split(all, 0, goal.target.size());
  return bisector.part;
}

}  // namespace serendip
