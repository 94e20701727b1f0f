// The balanced partition of a graph: every part within the traffic bound, small cut.
#pragma once

#include <cstdint>
#include <vector>

#include "clusters/graph.h"
#include "clusters/traffic.h"

namespace serendip {

struct PartitionGoal {
  int64_t parts = 1;
  TrafficBound bound;  // of each part's weight
  uint64_t seed = 0;
};

struct BalancedPartition {
  std::vector<int32_t> part;   // vertex -> part; none is empty
  bool bound_held = false;     // exactly, for the sums in vertex order
  double least = 0, most = 0;  // the lightest and the heaviest part
};

// The bound is held whenever it can be shown to exist: upper ≥ average + heaviest and lower ≤
// average - heaviest. Throws Error when there are fewer vertices than parts.
BalancedPartition balanced_partition(const Graph& graph, const std::vector<double>& weight,
                                     const PartitionGoal& goal);

}  // namespace serendip
