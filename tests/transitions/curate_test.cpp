#include "transitions/curate.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/hash.h"
#include "clusters/tree.h"
#include "tests/base/temporary_folder.h"
#include "tests/transitions/small_log.h"

namespace serendip {
namespace {

ClusterTree tree_over_small_log() {
  ClusterTree tree;
  tree.item_traffic.assign(5, 1.0);
  for (TreeLevel& level : tree.levels) {
    level.assignment = kSmallLogClusters;
    level.parent = {0, 1, 2, 3};
    level.traffic = {2, 1, 1, 1};
    level.description = {"zero", "one", "two", "three"};
  }
  tree.levels[0].parent = {-1, -1, -1, -1};
  return tree;
}

// The small log and its tree as files of `folder`.
void save_small_log(const std::filesystem::path& folder, const Dataset& log = small_log()) {
  save_dataset(log, folder / "data.h5");
  save_tree(tree_over_small_log(), folder / "tree.h5");
}

CurateOptions small_options() {
  CurateOptions options;
  options.positive_reward = 4;
  return options;
}

TEST(Curate, SmallLogFilesAndFigures) {
  const TemporaryFolder folder;
  save_small_log(folder.path());
  const nlohmann::json result =
      curate(small_options(), folder / "data.h5", folder / "tree.h5", folder.path());
  const nlohmann::json expected = {{"transitions", 3},  {"distinct", 2},    {"balanced", 2},
                                   {"labels_short", 2}, {"labels_none", 2}, {"dev", 1},
                                   {"test", 0},         {"train_users", 2}, {"dev_users", 1},
                                   {"test_users", 1}};
  EXPECT_EQ(result, expected);
  EXPECT_EQ(read_file(folder / "sft_balanced.jsonl"),
            "{\"context\":[0,1],\"label\":2,\"count\":2}\n"
            "{\"context\":[2,0],\"label\":3,\"count\":1}\n");
  EXPECT_EQ(read_file(folder / "dev.jsonl"), "{\"context\":[2,1],\"label\":3,\"count\":1}\n");
  EXPECT_EQ(read_file(folder / "test.jsonl"), "");
  const TransitionSet random = load_transition_set(folder / "sft_random.jsonl");
  int64_t drawn = 0;
  for (const int64_t count : random.count) drawn += count;
  EXPECT_EQ(drawn, 2);
  EXPECT_EQ(load_transitions(folder / "transitions.h5").all.count, (std::vector<int64_t>{2, 1}));
}

TEST(Curate, NothingMined) {
  const TemporaryFolder folder;
  save_small_log(folder.path());
  CurateOptions options = small_options();
  options.context_size = 4;
  EXPECT_EQ(
      error_of([&] { curate(options, folder / "data.h5", folder / "tree.h5", folder / "run"); }),
      "no transitions: none of 2 training users has a positive event (reward ≥ 4) in a new "
      "cluster after 4 others");
  EXPECT_TRUE(std::filesystem::is_empty(folder / "run"));
}

TEST(Curate, TreeOfOtherData) {
  const TemporaryFolder folder;
  Dataset log = small_log();
  for (auto* texts : {&log.item_id, &log.item_title, &log.item_text}) texts->push_back("i5");
  save_small_log(folder.path(), log);
  EXPECT_EQ(error_of([&] {
              curate(small_options(), folder / "data.h5", folder / "tree.h5", folder.path());
            }),
            "the tree assigns 5 items, the dataset has 6; run `serendip cluster` again");
}

TEST(Curate, PiecesGiveTheSameFiles) {
  const TemporaryFolder folder;
  save_small_log(folder.path());
  const nlohmann::json whole =
      curate(small_options(), folder / "data.h5", folder / "tree.h5", folder / "whole");
  for (const int64_t pieces : {1, 2, 3, 7}) {  // of four users
    const std::filesystem::path run = folder / std::to_string(pieces);
    for (int64_t piece = pieces; piece-- > 0;)
      curate_piece(small_options(), folder / "data.h5", folder / "tree.h5", run, piece, pieces);
    EXPECT_EQ(merge_pieces(small_options(), folder / "tree.h5", run, pieces), whole);
    EXPECT_EQ(hash_path(run), hash_path(folder / "whole")) << pieces;
  }
}

TEST(Curate, OptionsFromRecipe) {
  CurateOptions options;
  OptionSet set("curate");
  options.declare(set);
  load_recipe("", {"curate.novelty=context", "curate.context_size=3"}, {&set});
  EXPECT_EQ(options.novelty, "context");
  EXPECT_EQ(options.context_size, 3);
  EXPECT_NE(error_of([&] { load_recipe("", {"curate.novelty=none"}, {&set}); }).find("novelty"),
            std::string::npos);
}

}  // namespace
}  // namespace serendip
