#include "recsys/item_order.h"

#include <gtest/gtest.h>

#include "tests/recsys/small_world.h"

namespace serendip {
namespace {

TEST(ItemOrder, EveryClusterOfEveryLevelIsOneRange) {
  const ClusterTree tree = small_tree(101, 16);
  const ItemOrder order = make_item_order(tree);
  for (int number = 1; number <= kTreeLevels; ++number) {
    const TreeLevel& level = tree.level(number);
    const ItemOrder::Level& ranges = order.level(number);
    std::vector<bool> covered(101);
    for (size_t cluster = 0; cluster < ranges.place.size(); ++cluster) {
      const auto place = static_cast<size_t>(ranges.place[cluster]);
      for (int64_t at = ranges.offset[place]; at < ranges.offset[place + 1]; ++at) {
        const auto item = static_cast<size_t>(order.item[static_cast<size_t>(at)]);
        EXPECT_EQ(level.assignment[item], static_cast<int32_t>(cluster));
        EXPECT_FALSE(covered[item]);
        covered[item] = true;
      }
    }
    EXPECT_EQ(std::count(covered.begin(), covered.end(), true), 101);
  }
}

TEST(ItemOrder, PathsAreNotClusterOrder) {
  // Level 2's cluster 0 lies below level 1's cluster 1: its items come after cluster 1's.
  ClusterTree tree;
  const std::vector<int32_t> fine{0, 1, 0, 1}, coarse{1, 0, 1, 0};
  for (TreeLevel& level : tree.levels) {
    level.assignment = fine;
    level.parent = {0, 1};
  }
  tree.levels[0].assignment = coarse;
  const ItemOrder order = make_item_order(tree);
  EXPECT_EQ(order.item, (std::vector<int32_t>{1, 3, 0, 2}));
  EXPECT_EQ(order.position, (std::vector<int32_t>{2, 0, 3, 1}));
  EXPECT_EQ(order.level(2).place, (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(order.level(2).offset, (std::vector<int64_t>{0, 2, 4}));
}

}  // namespace
}  // namespace serendip
