#include "transitions/curate.h"

#include <gtest/gtest.h>

#include "base/file.h"
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

CurateOptions small_options() {
  CurateOptions options;
  options.positive_reward = 4;
  return options;
}

TEST(Curate, SmallLogFilesAndFigures) {
  const TemporaryFolder folder;
  const nlohmann::json result =
      curate_dataset(small_options(), small_log(), tree_over_small_log(), folder.path());
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
  CurateOptions options = small_options();
  options.context_size = 4;
  EXPECT_EQ(error_of([&] {
              curate_dataset(options, small_log(), tree_over_small_log(), folder / "run");
            }),
            "no transitions: none of 2 training users has a positive event (reward ≥ 4) in a new "
            "cluster after 4 others");
  EXPECT_FALSE(std::filesystem::exists(folder / "run"));
}

TEST(Curate, TreeOfOtherData) {
  Dataset log = small_log();
  log.item_id.push_back("i5");
  EXPECT_EQ(error_of([&] { curate_dataset(small_options(), log, tree_over_small_log(), "x"); }),
            "the tree assigns 5 items, the dataset has 6; run `serendip cluster` again");
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
