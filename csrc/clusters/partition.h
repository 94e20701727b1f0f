// The balanced partition of a graph: every part within the traffic bound, small cut.
#pragma once

#include <cstdint>
#include <vector>

#include "clusters/graph.h"
#include "clusters/traffic.h"

namespace serendip {

struct PartitionGoal {
  int64_t parts = 1;
  TrafficBound bound;     // of each part's weight
  int64_t min_items = 1;  // of each part
  // Second weights, those that the parts will be split by later; empty for none. Their sums are
  // kept near the average as far as the bound allows. Giants weigh less at finer levels: without
  // this a part that is heavy by one giant would have little to split.
  std::vector<double> split_weight;
  uint64_t seed = 0;
};

struct BalancedPartition {
  std::vector<int32_t> part;   // vertex -> part; each has min_items vertices or more
  bool bound_held = false;     // exactly, for the sums in vertex order
  double least = 0, most = 0;  // the lightest and the heaviest part
};

// The bound is held whenever it can be shown to exist: upper ≥ average + heaviest and lower ≤
// average - heaviest. Throws Error when there are fewer than parts · min_items vertices.
BalancedPartition balanced_partition(const Graph& graph, const std::vector<double>& weight,
                                     const PartitionGoal& goal);

}  // namespace serendip
