#include "clusters/tree.h"

#include <gtest/gtest.h>

#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

// Six items; levels of 1, 2, 3 and 4 clusters.
ClusterTree small_tree() {
  ClusterTree tree;
  tree.item_traffic = {1, 2, 3, 4, 5, 6};
  tree.levels[0] = {{0, 0, 0, 0, 0, 0}, {-1}, {21}, {"all"}};
  tree.levels[1] = {{0, 0, 1, 1, 1, 1}, {0, 0}, {3, 18}, {"a", "b"}};
  tree.levels[2] = {{0, 0, 1, 1, 2, 2}, {0, 1, 1}, {3, 7, 11}, {"a", "c", "d"}};
  tree.levels[3] = {{0, 0, 1, 1, 2, 3}, {0, 1, 2, 2}, {3, 7, 5, 6}, {"a", "b", "c", "d"}};
  return tree;
}

TEST(Tree, RoundTrip) {
  const TemporaryFolder folder;
  save_tree(small_tree(), folder / "tree.h5");
  const ClusterTree loaded = load_tree(folder / "tree.h5");
  EXPECT_EQ(loaded.item_traffic, small_tree().item_traffic);
  for (size_t index = 0; index < loaded.levels.size(); ++index) {
    EXPECT_EQ(loaded.levels[index].assignment, small_tree().levels[index].assignment);
    EXPECT_EQ(loaded.levels[index].parent, small_tree().levels[index].parent);
    EXPECT_EQ(loaded.levels[index].traffic, small_tree().levels[index].traffic);
    EXPECT_EQ(loaded.levels[index].description, small_tree().levels[index].description);
  }
}

std::string error_with(const std::function<void(ClusterTree&)>& change) {
  ClusterTree tree = small_tree();
  change(tree);
  return error_of([&] { validate_tree(tree, "t.h5"); });
}

TEST(Tree, ErrorsNameTheBrokenRule) {
  EXPECT_EQ(error_with([](ClusterTree& t) { t.levels[1].description[1] = "a"; }),
            "t.h5: clusters 0 and 1 of level 2 have the same description 'a'");
  EXPECT_EQ(
      error_with([](ClusterTree& t) { t.levels[2].assignment[0] = 2; }),
      "t.h5: not nested: item 0 is in cluster 2 of level 3, whose parent is 1, but in cluster "
      "0 of level 2");
  EXPECT_EQ(error_with([](ClusterTree& t) { t.levels[3].assignment[5] = 2; }),
            "t.h5: cluster 3 of level 4 is empty");
  EXPECT_EQ(error_with([](ClusterTree& t) { t.levels[1].assignment[5] = 2; }),
            "t.h5: /level_2/assignment of item 5 is 2, expected 0 to 1");
  EXPECT_EQ(error_with([](ClusterTree& t) { t.levels[0].parent[0] = 0; }),
            "t.h5: /level_1/parent of cluster 0 is 0, expected -1");
  EXPECT_EQ(error_with([](ClusterTree& t) { t.levels[2].parent[0] = 2; }),
            "t.h5: /level_3/parent of cluster 0 is 2, expected 0 to 1");
  EXPECT_EQ(error_with([](ClusterTree& t) { t.levels[3].assignment.pop_back(); }),
            "t.h5: /level_4/assignment has 5 items, /item_traffic 6");
  EXPECT_EQ(error_with([](ClusterTree& t) { t.levels[1].description[0] = "a\nb"; }),
            "t.h5: description of cluster 0 of level 2 has a control character");
  EXPECT_EQ(error_with([](ClusterTree& t) { t.item_traffic[2] = -1; }),
            "t.h5: /item_traffic of item 2 is -1, expected a number ≥ 0");
}

TEST(Tree, BrokenTreeIsNotWritten) {
  const TemporaryFolder folder;
  ClusterTree tree = small_tree();
  tree.levels[0].description[0] = "";
  error_of([&] { save_tree(tree, folder / "tree.h5"); });
  EXPECT_FALSE(std::filesystem::exists(folder / "tree.h5"));
}

}  // namespace
}  // namespace serendip
