#include "kernels/tree_attention_key_tiles.h"

#include <gtest/gtest.h>

#include "tests/kernels/tree_attention_problem.h"

namespace serendip {
namespace {

// Every (tile, row, key rows that it sees), as they come.
using Entries = std::vector<std::tuple<int64_t, int64_t, int32_t>>;

Entries entries_of(const TreePathRows& paths, int64_t key_rows, int64_t window) {
  const TreeAttentionProblem problem =
      random_tree_problem(paths, key_rows, {1, 1, 8}, FloatType::kFloat32, {.window = window});
  const KeyTileTensors tensors(torch::tensor(problem.path_offset, torch::kInt64),
                               torch::tensor(problem.path, torch::kInt32), key_rows, window);
  const TreeAttentionKeyTiles view = tensors.view();
  EXPECT_EQ(view.offset[0], 0);
  Entries entries;
  for (int64_t tile = 0; tile + 1 < tensors.offset.numel(); ++tile)
    for (int64_t at = view.offset[tile]; at < view.offset[tile + 1]; ++at)
      entries.emplace_back(tile, view.row[at], view.seen[at]);
  return entries;
}

TEST(TreeAttentionKeyTiles, AreThePathsByKeyRow) {
  for (const int64_t window : {0, 1, 4, 1000})
    for (const auto& [paths, key_rows] :
         {std::pair{TreePathRows{{0}}, 1}, std::pair{random_paths(100, 5, 1), 100},
          std::pair{arena_paths(random_paths(90, 9, 2), 40, 200, 3), 200}}) {
      const KeyTiles expected(
          random_tree_problem(paths, key_rows, {1, 1, 8}, FloatType::kFloat32, {.window = window}));
      Entries wanted;
      for (size_t tile = 0; tile + 1 < expected.offset.size(); ++tile)
        for (auto at = static_cast<size_t>(expected.offset[tile]);
             at < static_cast<size_t>(expected.offset[tile + 1]); ++at)
          wanted.emplace_back(tile, expected.row[at], expected.seen[at]);
      EXPECT_EQ(entries_of(paths, key_rows, window), wanted) << key_rows << " " << window;
    }
}

TEST(TreeAttentionKeyTiles, OfNoRows) { EXPECT_EQ(entries_of({}, 40, 0), Entries()); }

TEST(TreeAttentionKeyTiles, OfNoKeyRowsHaveOneOffset) {
  const KeyTileTensors tensors(torch::zeros({1}, torch::kInt64), torch::empty({0}, torch::kInt32),
                               0, 3);
  EXPECT_EQ(tensors.offset.numel(), 1);
}

}  // namespace
}  // namespace serendip
