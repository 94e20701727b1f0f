#include "clusters/keywords.h"

#include <gtest/gtest.h>

#include <set>

namespace serendip {
namespace {

// One tree level repeated four times over the given assignment.
ClusterTree flat_tree(const std::vector<int32_t>& assignment, int32_t clusters,
                      const std::vector<double>& traffic) {
  ClusterTree tree;
  tree.item_traffic = traffic;
  for (TreeLevel& level : tree.levels) {
    level.assignment = assignment;
    for (int32_t c = 0; c < clusters; ++c) level.parent.push_back(c);
    level.traffic.assign(static_cast<size_t>(clusters), 1.0);
  }
  tree.levels[0].parent.assign(static_cast<size_t>(clusters), -1);
  return tree;
}

std::vector<std::string> describe(ClusterTree tree, const std::vector<std::string>& title,
                                  const std::vector<std::string>& text, int64_t count) {
  describe_clusters(tree, count_words(title, text), title, count);
  validate_tree(tree, "tree");
  return tree.planning().description;
}

TEST(Keywords, MostSpecificFirst) {
  const std::vector<std::string> text = {"crime noir drama", "crime noir drama", "space drama",
                                         "space drama robots"};
  const auto found = describe(flat_tree({0, 0, 1, 1}, 2, {1, 1, 1, 1}), {"", "", "", ""}, text, 3);
  // "drama" is everywhere, "robots" in one item only.
  EXPECT_EQ(found, (std::vector<std::string>{"crime, noir, drama", "robots, space, drama"}));
}

TEST(Keywords, WordsOfSeveralItemsArePreferred) {
  const std::vector<std::string> text = {"crime noir", "crime noir robots", "space", "space"};
  const auto found = describe(flat_tree({0, 0, 1, 1}, 2, {1, 90, 1, 1}), {"", "", "", ""}, text, 2);
  EXPECT_EQ(found[0], "crime, noir");
}

TEST(Keywords, TrafficDecides) {
  const std::vector<std::string> text = {"alpha", "alpha", "beta", "beta", "gamma"};
  EXPECT_EQ(describe(flat_tree({0, 0, 0, 0, 1}, 2, {1, 1, 9, 9, 1}), std::vector<std::string>(5),
                     text, 1)[0],
            "beta");
  EXPECT_EQ(describe(flat_tree({0, 0, 0, 0, 1}, 2, {9, 9, 1, 1, 1}), std::vector<std::string>(5),
                     text, 1)[0],
            "alpha");
}

TEST(Keywords, EqualClustersGetDifferentDescriptions) {
  const std::vector<std::string> text(6, "crime noir drama thriller");
  const auto found = describe(flat_tree({0, 0, 1, 1, 2, 2}, 3, std::vector<double>(6, 1.0)),
                              std::vector<std::string>(6), text, 2);
  EXPECT_EQ(found, (std::vector<std::string>{"crime, drama", "crime, noir", "crime, thriller"}));
}

TEST(Keywords, WordsAreAddedWhenReplacingRunsOut) {
  const std::vector<std::string> text(5, "crime drama");
  const auto found = describe(flat_tree({0, 1, 2, 3, 4}, 5, std::vector<double>(5, 1.0)),
                              {"", "", "", "", "1984"}, text, 1);
  EXPECT_EQ(found,
            (std::vector<std::string>{"crime", "drama", "crime, drama", "cluster 3", "1984"}));
}

TEST(Keywords, NoUsableWords) {
  const auto found = describe(flat_tree({0, 1, 2, 3, 3}, 4, {1, 1, 1, 1, 5}),
                              {"1984", "1984", "", "Of\n2", "300"}, std::vector<std::string>(5), 3);
  EXPECT_EQ(found, (std::vector<std::string>{"1984", "1984, cluster 1", "cluster 2", "300"}));
}

TEST(Keywords, NeverAPermutationOfAnother) {
  // Many clusters over few words.
  std::vector<std::string> text;
  std::vector<int32_t> assignment;
  const std::string words[] = {"ant", "bee", "cow", "dog", "elk", "fox"};
  for (int32_t i = 0; i < 40; ++i) {
    const auto w = static_cast<size_t>(i);
    text.push_back(words[w % 6] + " " + words[(w + 1) % 6] + " " + words[w * 3 % 6] + " " +
                   words[w * 5 % 6]);
    assignment.push_back(i / 2);
  }
  std::set<std::multiset<char>> seen;
  for (const std::string& description :
       describe(flat_tree(assignment, 20, std::vector<double>(40, 1.0)),
                std::vector<std::string>(40), text, 3)) {
    EXPECT_TRUE(seen.emplace(description.begin(), description.end()).second) << description;
  }
}

}  // namespace
}  // namespace serendip
