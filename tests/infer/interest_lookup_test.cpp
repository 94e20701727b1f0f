#include "infer/interest_lookup.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tests/base/temporary_folder.h"
#include "tests/recsys/small_world.h"

namespace serendip {
namespace {

// 4 planning clusters, whose items are 7 i mod 16 / 4; a table of three labels a row, one of them
// missing where the row's clusters differ.
class InterestLookups : public ::testing::Test {
 protected:
  InterestLookups() {
    table.contexts = ContextList::all(4, 2);
    table.k = 3;
    for (int32_t row = 0; row < 16; ++row) {
      for (int32_t label = 3; label >= 1; --label) {
        const bool missing = row / 4 != row % 4 && label == 1;
        table.label.push_back(missing ? PairTable::kNoLabel : (row + label) % 4);
        table.log_prob.push_back(missing ? -INFINITY : std::log(static_cast<float>(label) / 6));
      }
    }
    table.probability_low = table.probability_high = table.log_prob;
  }
  static int32_t item_in(int32_t cluster) {
    const ClusterTree tree = small_tree(96, 16);
    const auto& assignment = tree.planning().assignment;
    return static_cast<int32_t>(std::find(assignment.begin(), assignment.end(), cluster) -
                                assignment.begin());
  }

  ClusterTree tree = small_tree(96, 16);
  PairTable table;
  MiningRule rule{5, Novelty::kHistory, 4.0f};
};

TEST_F(InterestLookups, ReadsTheRowOfTheLatestPositiveClusters) {
  const InterestLookup lookup(tree, table, rule);
  // Cluster 2 then 0 are positive; 1 is known but not liked.
  const History history{
      {item_in(0), item_in(2), item_in(0), item_in(1)}, {1, 2, 3, 4}, {5.0f, 4.0f, 4.0f, 2.0f}};
  const InterestRow row = lookup.row(history);
  EXPECT_EQ(row.context, (std::vector<int32_t>{2, 0}));
  ASSERT_EQ(row.labels.size(), 2u);  // row 8: labels 3 (8 + 3) and 2 (8 + 2) mod 4, one missing
  EXPECT_EQ(row.labels[0].label, 3);
  EXPECT_EQ(row.labels[0].entry, 24u);
  EXPECT_FALSE(row.labels[0].known);
  EXPECT_EQ(row.labels[1].label, 2);
  EXPECT_TRUE(row.labels[1].known);
  ASSERT_EQ(lookup.best(row, 5).size(), 1u);
  EXPECT_EQ(lookup.best(row, 5)[0].label, 3);
  EXPECT_TRUE(lookup.best(row, 0).empty());
}

TEST_F(InterestLookups, KnowsTheContextAloneWhereTheRuleSaysSo) {
  rule.novelty = Novelty::kContext;
  const InterestLookup lookup(tree, table, rule);
  // Cluster 3 is in the history and not in the context, 2 then 0.
  const InterestRow row =
      lookup.row({{item_in(3), item_in(2), item_in(0)}, {1, 2, 3}, {5.0f, 5.0f, 5.0f}});
  ASSERT_EQ(row.labels.size(), 2u);
  EXPECT_EQ(row.labels[0].label, 3);
  EXPECT_FALSE(row.labels[0].known);
  EXPECT_EQ(row.labels[1].label, 2);
  EXPECT_TRUE(row.labels[1].known);
}

TEST_F(InterestLookups, HasNothingWithoutAContext) {
  const InterestLookup lookup(tree, table, rule);
  const InterestRow row = lookup.row({{item_in(0)}, {1}, {5.0f}});
  EXPECT_TRUE(row.context.empty());
  EXPECT_TRUE(row.labels.empty());
  EXPECT_TRUE(lookup.best(row, 3).empty());
}

TEST_F(InterestLookups, HasNoLabelsForAContextThatIsNotListed) {
  table.contexts = ContextList::listed(4, 2, {0, 1});
  table.label.resize(3);
  const InterestLookup lookup(tree, table, rule);
  const InterestRow row = lookup.row({{item_in(2), item_in(0)}, {1, 2}, {5.0f, 5.0f}});
  EXPECT_EQ(row.context, (std::vector<int32_t>{2, 0}));
  EXPECT_TRUE(row.labels.empty());
}

TEST_F(InterestLookups, DrawsInProportionWithoutReplacement) {
  const InterestLookup lookup(tree, table, rule);
  InterestRow row{{0, 0}, {{3, 0, false}, {2, 1, false}, {1, 2, false}}};  // 3 : 2 : 1
  std::map<int32_t, int64_t> first;
  constexpr int64_t kDraws = 6000;
  Random random(5);
  for (int64_t draw = 0; draw < kDraws; ++draw) {
    const std::vector<TableLabel> drawn = lookup.drawn(row, 2, random);
    ASSERT_EQ(drawn.size(), 2u);
    EXPECT_NE(drawn[0].label, drawn[1].label);
    ++first[drawn[0].label];
  }
  for (const auto& [label, count] : first) {
    const double share = label / 6.0;
    EXPECT_NEAR(static_cast<double>(count) / kDraws, share,
                5 * std::sqrt(share * (1 - share) / kDraws));
  }
  row.labels[0].known = true;
  EXPECT_EQ(lookup.drawn(row, 5, random).size(), 2u);
}

TEST_F(InterestLookups, RefusesATableOfOtherClusters) {
  table.contexts = ContextList::all(5, 2);
  EXPECT_EQ(error_of([&] { InterestLookup(tree, table, rule); }),
            "pair table: expected one of the tree's 4 clusters, got one of 5");
}

}  // namespace
}  // namespace serendip
