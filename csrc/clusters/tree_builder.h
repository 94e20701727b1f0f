// The four nested levels: level 2 by balanced partition, level 1 by grouping its clusters, levels 3
// and 4 by splitting them, a cluster with more traffic into more.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "clusters/graph.h"
#include "clusters/traffic.h"
#include "clusters/tree.h"

namespace serendip {

struct TreeShape {
  std::array<int64_t, kTreeLevels> clusters = {8, 64, 128, 256};
  double epsilon = 0.05;
  double epsilon_low = 0.5;
  double giant_share = 0.5;  // at most epsilon_low, or the bound may be out of reach
  uint64_t seed = 0;

  int64_t count(int level) const { return clusters[static_cast<size_t>(level - 1)]; }
};

// Weights and bound of every level, each capped for its own number of clusters. Throws Error naming
// the level when too few items carry traffic.
struct LevelBalance {
  CappedTraffic traffic;
  TrafficBound bound;
};
std::array<LevelBalance, kTreeLevels> balance_levels(const std::vector<double>& traffic,
                                                     const TreeShape& shape);

// How many of `total` children each cluster gets: in proportion to traffic [M] by the method of
// equal proportions (Huntington 1921), which keeps the ratios of the children's averages small; at
// least 1 and at most items [M]. Needs M ≤ total ≤ Σ items.
std::vector<int64_t> share_children(const std::vector<double>& traffic,
                                    const std::vector<int64_t>& items, int64_t total);

// Level 2 keeps its bound exactly; elsewhere it is kept as far as nesting allows. Clusters are
// numbered so that parents never decrease: items sorted by their level-4 cluster make every cluster
// of every level one range. Descriptions are left empty. Throws Error when there are too few items
// (one for each cluster of level 4) or too few with traffic.
ClusterTree build_tree(const Graph& graph, const std::vector<double>& traffic,
                       const TreeShape& shape);

}  // namespace serendip
