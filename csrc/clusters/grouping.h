// Level 1: clusters of level 2 grouped into parts of equal count.
#pragma once

#include <cstdint>
#include <vector>

#include "clusters/graph.h"
#include "clusters/traffic.h"

namespace serendip {

// vertex -> group. Every group has ⌊V / groups⌋ or ⌈V / groups⌉ vertices; among such groupings,
// traffic outside the bound is lowered first, then the cut. traffic is [V]; groups ≤ V.
std::vector<int32_t> group_clusters(const Graph& graph, const std::vector<double>& traffic,
                                    int64_t groups, const TrafficBound& bound, uint64_t seed);

}  // namespace serendip
