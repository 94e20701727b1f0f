// The starting partition: METIS bisections, each followed by bounded refinement of its two sides.
#pragma once

#include <cstdint>
#include <vector>

#include "clusters/graph.h"

namespace serendip {

// One bisection after another rather than one METIS call for all parts: heavy items push a
// bisection off its target, and what is not put right at once is passed on to every part below.
struct BisectionGoal {
  std::vector<int64_t> target;  // [parts] weight of each part; sums to the total
  double tolerance = 0.0;       // of a side's weight, relative
  int64_t slack = 0;            // and absolute, added to it
  uint64_t seed = 0;
};

// item -> part. Parts may miss their goals where items are too few or too heavy.
std::vector<int32_t> recursive_bisection(const Graph& graph, const std::vector<int64_t>& weight,
                                         const BisectionGoal& goal);

}  // namespace serendip
