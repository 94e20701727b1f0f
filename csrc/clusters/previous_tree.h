// An earlier tree over some of the items: what it says of them, and a rebuilt tree numbered like
// it.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "clusters/tree.h"

namespace serendip {

struct PreviousTree {
  ClusterTree tree;
  std::vector<int32_t> item;  // [N] of the items now: their number then, -1 for one that came later
  int64_t gone = 0;           // items of then that are no more
};

// tree.h5 and the items' ids in data.h5 of an earlier run. Throws Error naming the file.
PreviousTree load_previous_tree(const std::filesystem::path& run_folder,
                                const std::vector<std::string>& item_id);

// What one level has in common with before.
struct KeptClusters {
  // [M] whether more than half of the traffic of cluster c was in cluster c before.
  std::vector<bool> same;
  double traffic_share =
      0;  // of the traffic of items known before: of those whose cluster is the same
};

// Renumbers the clusters of every level of `tree` so that those that overlap most, by the traffic
// of the items known before (ties by their number, then by ids), have the number of before. One
// pair after the other is taken, the largest overlap first; clusters without a match get the
// numbers left. Nesting stays as it is.
std::array<KeptClusters, kTreeLevels> number_like(const PreviousTree& previous,
                                                  const std::vector<double>& traffic,
                                                  ClusterTree& tree);

// Gives clusters that are the same as before their description of before, unless another cluster
// of the level now has it.
void keep_descriptions(const PreviousTree& previous,
                       const std::array<KeptClusters, kTreeLevels>& kept, ClusterTree& tree);

}  // namespace serendip
