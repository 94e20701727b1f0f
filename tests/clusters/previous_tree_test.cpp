#include "clusters/previous_tree.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/check.h"
#include "base/random.h"
#include "clusters/knn_graph.h"
#include "clusters/tree_builder.h"
#include "tests/clusters/synthetic.h"

namespace serendip {
namespace {

constexpr int64_t kItems = 3000;

ClusterTree built_tree(const std::vector<double>& traffic) {
  TreeShape shape;
  shape.clusters = {5, 40, 80, 160};
  ClusterTree tree =
      build_tree(knn_graph(grouped_vectors(kItems, 16, 60, 1), 16, {}), traffic, shape);
  for (size_t index = 0; index < tree.levels.size(); ++index)
    for (int64_t c = 0; c < tree.levels[index].cluster_count(); ++c)
      tree.levels[index].description.push_back(fmt::format("{} of {}", c, index));
  return tree;
}

// The same clusters under other numbers, with other descriptions.
ClusterTree shuffled(const ClusterTree& tree, uint64_t seed) {
  ClusterTree result = tree;
  Random random(seed);
  std::vector<int32_t> above;
  for (TreeLevel& level : result.levels) {
    std::vector<int32_t> number(level.parent.size());
    std::iota(number.begin(), number.end(), 0);
    random.shuffle(number);
    const TreeLevel before = level;
    for (int32_t& cluster : level.assignment) cluster = number[static_cast<size_t>(cluster)];
    for (size_t c = 0; c < number.size(); ++c) {
      const auto to = static_cast<size_t>(number[c]);
      level.parent[to] = above.empty() ? -1 : above[static_cast<size_t>(before.parent[c])];
      level.traffic[to] = before.traffic[c];
      level.description[to] = "was " + before.description[c];
    }
    above = number;
  }
  return result;
}

// Items of now in the reverse order of then; the last of then are gone, the last of now are new.
PreviousTree previous_of(const ClusterTree& then, const ClusterTree& now) {
  PreviousTree previous{then, {}};
  for (size_t item = 0; item < now.item_traffic.size(); ++item)
    previous.item.push_back(static_cast<int32_t>(item));
  return previous;
}

TEST(NumberLike, TheSameClustersKeepEverything) {
  const std::vector<double> traffic = zipf_traffic(kItems, 1000, 3);
  ClusterTree tree = built_tree(traffic);
  const ClusterTree then = shuffled(tree, 5);
  validate_tree(then, "then");
  const PreviousTree previous = previous_of(then, tree);
  const auto kept = number_like(previous, traffic, tree);
  keep_descriptions(previous, kept, tree);
  validate_tree(tree, "now");
  for (size_t index = 0; index < tree.levels.size(); ++index) {
    EXPECT_EQ(tree.levels[index].assignment, then.levels[index].assignment);
    EXPECT_EQ(tree.levels[index].parent, then.levels[index].parent);
    EXPECT_EQ(tree.levels[index].traffic, then.levels[index].traffic);
    EXPECT_EQ(tree.levels[index].description, then.levels[index].description);
    EXPECT_EQ(kept[index].traffic_share, 1);
  }
}

TEST(NumberLike, ItemsThatMoveAndComeLowerTheShareOnly) {
  const std::vector<double> traffic(kItems, 1.0);
  ClusterTree tree = built_tree(traffic);
  const ClusterTree then = shuffled(tree, 6);
  PreviousTree previous = previous_of(then, tree);
  Random random(9);
  for (size_t item = 0; item < previous.item.size(); ++item) {
    const uint64_t chance = random.below(10);
    if (chance == 0) previous.item[item] = static_cast<int32_t>((item + 1300) % kItems);  // moved
    if (chance == 1) previous.item[item] = -1;                                            // new
  }
  const auto kept = number_like(previous, traffic, tree);
  validate_tree(tree, "now");
  for (size_t index = 0; index < tree.levels.size(); ++index) {
    EXPECT_GT(kept[index].traffic_share, 0.85);  // 8 of 9 known ones, and chance
    EXPECT_LT(kept[index].traffic_share, 0.95);
    const auto same = std::count(kept[index].same.begin(), kept[index].same.end(), true);
    EXPECT_GT(same, tree.levels[index].cluster_count() * 9 / 10);
  }
}

TEST(NumberLike, MoreOrFewerClustersThanBefore) {
  const std::vector<double> traffic(6, 1.0);
  ClusterTree two;
  two.item_traffic = traffic;
  two.levels[0] = {{0, 0, 0, 0, 0, 0}, {-1}, {6}, {"all"}};
  for (size_t index : {1, 2, 3})
    two.levels[index] = {{0, 0, 0, 1, 1, 1}, {0, index == 1 ? 0 : 1}, {3, 3}, {"a", "b"}};
  ClusterTree three = two;
  three.levels[3] = {{0, 0, 1, 2, 2, 2}, {0, 0, 1}, {2, 1, 3}, {"x", "b", "z"}};
  ClusterTree grown = three, shrunk = two;
  const auto grown_kept = number_like(previous_of(two, three), traffic, grown);
  EXPECT_EQ(grown.levels[3].assignment, (std::vector<int32_t>{0, 0, 2, 1, 1, 1}));
  EXPECT_EQ(grown.levels[3].parent, (std::vector<int32_t>{0, 1, 0}));
  EXPECT_EQ(grown_kept[3].same, (std::vector<bool>{true, true, false}));
  EXPECT_NEAR(grown_kept[3].traffic_share, 5.0 / 6, 1e-12);
  keep_descriptions(previous_of(two, three), grown_kept, grown);
  // "b" was, when cluster 1's turn came, another's; "a" was free.
  EXPECT_EQ(grown.levels[3].description, (std::vector<std::string>{"a", "z", "b"}));
  number_like(previous_of(three, two), traffic, shrunk);
  validate_tree(shrunk, "shrunk");
}

}  // namespace
}  // namespace serendip
