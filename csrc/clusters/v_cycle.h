// A partition's cut lowered on ever coarser graphs: whole groups of items change part at once.
#pragma once

#include <cstdint>
#include <vector>

#include "clusters/graph.h"
#include "clusters/partition_state.h"

namespace serendip {

// One V-cycle (Walshaw 2004, "Multilevel Refinement for Combinatorial Optimisation Problems"):
// items of the same part are matched along heavy edges and contracted, again and again; then, from
// the coarsest graph to the finest, lower_cut() and climb(). Bounds that hold keep holding, and the
// cut does not grow.
void v_cycle(const Graph& graph, const std::vector<int64_t>& item_weight, const PartBounds& bounds,
             uint64_t seed, std::vector<int32_t>& part);

}  // namespace serendip
