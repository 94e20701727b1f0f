// How good a tree is: balance, cut and spread of every level.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "clusters/tree_builder.h"

namespace serendip {

struct LevelFigures {
  int64_t clusters = 0;
  int64_t giants = 0;  // items above the level's cap
  bool bound_met = false;
  double max_over_avg = 0, min_over_avg = 0;  // of capped traffic w'
  double bound_upper = 0, bound_lower = 0;    // the same unit
  double max_over_avg_uncapped = 0;           // of the traffic itself
  double max_over_avg_later = 0;              // of `later`, 0 without any
  double cut = 0;                             // share of edge weight between clusters
  // Mean over clusters of cut(c) / min(volume(c), volume of the rest); 0 for a cluster without
  // edges.
  double conductance = 0;
  double entropy = 0;  // of the capped traffic shares, over log(clusters): 1 is perfect balance
};

// `later` [N]: traffic that was not used to build the tree.
std::array<LevelFigures, kTreeLevels> measure_tree(const ClusterTree& tree, const Graph& graph,
                                                   const TreeShape& shape,
                                                   const std::vector<double>& later);

nlohmann::json to_json(const std::array<LevelFigures, kTreeLevels>& figures);

}  // namespace serendip
