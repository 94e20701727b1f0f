// Items sorted by tree path, so that every cluster of every level is one contiguous range.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "clusters/tree.h"

namespace serendip {

struct ItemOrder {
  // The clusters of one level in the order of their items.
  struct Level {
    std::vector<int64_t> place;   // [M] cluster -> its place in that order
    std::vector<int64_t> offset;  // [M + 1] the cluster at place p holds [offset[p], offset[p + 1])
  };

  std::vector<int32_t> item;      // [N] position -> item
  std::vector<int32_t> position;  // [N] item -> position
  std::array<Level, kTreeLevels> levels;

  int64_t size() const { return static_cast<int64_t>(item.size()); }
  const Level& level(int number) const { return levels[static_cast<size_t>(number - 1)]; }
};

// Sorted by (cluster at level 1, …, cluster at level 4, item). The tree must be valid.
ItemOrder make_item_order(const ClusterTree& tree);

// Values [N] by position, by item.
std::vector<float> by_item(const ItemOrder& order, const float* values);

// [N] the planning cluster of each position, as its place in the order.
std::vector<int32_t> clusters_of_positions(const ItemOrder& order);

}  // namespace serendip
