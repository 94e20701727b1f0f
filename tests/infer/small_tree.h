// A tree of eight interests for stories260K.
#pragma once

#include <string>
#include <vector>

#include "clusters/tree.h"

namespace serendip {

inline const std::vector<std::string> kTopics = {"dog, park", "cat, milk", "big tree",
                                                 "red ball",  "blue sky",  "toy car",
                                                 "sun, day",  "bird, song"};

// One item a cluster; 8 clusters at the planning level.
inline ClusterTree small_tree() {
  ClusterTree tree;
  const auto clusters = static_cast<int32_t>(kTopics.size());
  tree.item_traffic.assign(kTopics.size(), 1);
  for (size_t level = 0; level < kTreeLevels; ++level) {
    TreeLevel& at = tree.levels[level];
    for (int32_t i = 0; i < clusters; ++i) at.assignment.push_back(level == 0 ? i / 4 : i);
    const int32_t count = level == 0 ? 2 : clusters;
    for (int32_t c = 0; c < count; ++c) {
      at.parent.push_back(level == 0 ? -1 : level == 1 ? c / 4 : c);
      at.traffic.push_back(level == 0 ? 4 : 1);
      at.description.push_back(level == 0 ? "half " + std::to_string(c)
                                          : kTopics[static_cast<size_t>(c)]);
    }
  }
  return tree;
}

}  // namespace serendip
