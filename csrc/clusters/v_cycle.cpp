#include "clusters/v_cycle.h"

#include <algorithm>
#include <numeric>

#include "base/interrupt.h"
#include "base/random.h"
#include "clusters/refine.h"

namespace serendip {
namespace {

constexpr int64_t kCoarsestPerPart = 8;     // vertices
constexpr int64_t kLargestShare = 8;        // of a part's average weight that one vertex may be
constexpr double kLeastShrinking = 0.9;     // else coarsening ends
constexpr int kCutPasses = 3, kClimbs = 2;  // on each graph

struct Level {
  const Graph* graph;
  const std::vector<int64_t>* weight;
  std::vector<int32_t>* part;
};

struct CoarseLevel {
  Graph graph;
  std::vector<int64_t> weight;
  std::vector<int32_t> part;
  std::vector<int32_t> group;  // [finer vertices] -> vertex here
};

// Pairs of neighbours in one part, the heaviest edge first seen from a vertex, in random order.
std::vector<int32_t> match(const Level& level, int64_t heaviest, uint64_t seed, int64_t& groups) {
  const Graph& graph = *level.graph;
  std::vector<int32_t> order(level.part->size()), group(level.part->size(), -1);
  std::iota(order.begin(), order.end(), 0);
  Random(seed).shuffle(order);
  groups = 0;
  for (const int32_t vertex : order) {
    const auto v = static_cast<size_t>(vertex);
    if (group[v] >= 0) continue;
    int32_t best = -1, best_weight = 0;
    for (auto e = static_cast<size_t>(graph.offset[v]);
         e < static_cast<size_t>(graph.offset[v + 1]); ++e) {
      const auto other = static_cast<size_t>(graph.neighbor[e]);
      if (group[other] >= 0 || (*level.part)[other] != (*level.part)[v] ||
          graph.weight[e] <= best_weight || (*level.weight)[v] + (*level.weight)[other] > heaviest)
        continue;
      best = graph.neighbor[e];
      best_weight = graph.weight[e];
    }
    if (best >= 0) group[static_cast<size_t>(best)] = static_cast<int32_t>(groups);
    group[v] = static_cast<int32_t>(groups++);
  }
  return group;
}

std::vector<int64_t> sums(const std::vector<int64_t>& values, const std::vector<int32_t>& group,
                          int64_t groups) {
  std::vector<int64_t> result(static_cast<size_t>(groups), 0);
  for (size_t i = 0; i < values.size(); ++i) result[static_cast<size_t>(group[i])] += values[i];
  return result;
}

CoarseLevel coarsen(const Level& fine, int64_t heaviest, uint64_t seed) {
  CoarseLevel coarse;
  int64_t groups = 0;
  coarse.group = match(fine, heaviest, seed, groups);
  coarse.graph = contract(*fine.graph, coarse.group, groups);
  coarse.weight = sums(*fine.weight, coarse.group, groups);
  coarse.part.resize(static_cast<size_t>(groups));
  for (size_t i = 0; i < coarse.group.size(); ++i)
    coarse.part[static_cast<size_t>(coarse.group[i])] = (*fine.part)[i];
  return coarse;
}

void refine(const Level& level, const PartBounds& bounds) {
  PartitionState state(*level.graph, *level.weight, bounds, *level.part);
  lower_cut(state, kCutPasses);
  climb(state, kClimbs);
}

}  // namespace

void v_cycle(const Graph& graph, const std::vector<int64_t>& item_weight, const PartBounds& bounds,
             uint64_t seed, std::vector<int32_t>& part) {
  const Level finest = {&graph, &item_weight, &part};
  const int64_t heaviest = bounds.target[0] / kLargestShare;
  std::vector<CoarseLevel> coarse;
  Level level = finest;
  const auto level_of = [&](size_t depth) {
    if (depth == 0) return finest;
    CoarseLevel& at = coarse[depth - 1];
    return Level{&at.graph, &at.weight, &at.part};
  };
  while (static_cast<int64_t>(level.part->size()) > kCoarsestPerPart * bounds.parts()) {
    throw_if_interrupted();
    const size_t before = level.part->size();
    coarse.push_back(coarsen(level, heaviest, mix_bits(seed + coarse.size())));
    level = level_of(coarse.size());
    if (static_cast<double>(level.part->size()) > kLeastShrinking * static_cast<double>(before))
      break;
  }
  for (size_t depth = coarse.size();; --depth) {
    throw_if_interrupted();
    level = level_of(depth);
    refine(level, bounds);
    if (depth == 0) return;
    const Level finer = level_of(depth - 1);
    for (size_t i = 0; i < finer.part->size(); ++i)
      (*finer.part)[i] = (*level.part)[static_cast<size_t>(coarse[depth - 1].group[i])];
  }
}

}  // namespace serendip
