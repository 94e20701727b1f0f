#include "transitions/sets.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

// Label 3 has four contexts, label 1 one, labels 0 and 2 none.
TransitionSet example() {
  TransitionSet set;
  set.context = {0, 1, 0, 2, 0, 2, 1, 0, 2, 0};
  set.label = {3, 1, 3, 3, 3};
  set.count = {2, 1, 5, 2, 7};
  return set;
}

// Rows ascending, one a block.
TransitionSource one_by_one(const TransitionSet& set) {
  return [set, row = size_t{0}](TransitionSet& block) mutable {
    if (row == set.label.size()) return false;
    block.context = {set.context[2 * row], set.context[2 * row + 1]};
    block.label = {set.label[row]};
    block.count = {set.count[row]};
    ++row;
    return true;
  };
}

TEST(BalancedSet, HighestCountsThenContextIds) {
  const BalancedSet balanced = balanced_set(one_by_one(example()), 4, 3);
  EXPECT_EQ(balanced.set.label, (std::vector<int32_t>{1, 3, 3, 3}));
  EXPECT_EQ(balanced.set.context, (std::vector<int32_t>{0, 2, 2, 0, 0, 2, 0, 1}));
  EXPECT_EQ(balanced.set.count, (std::vector<int64_t>{1, 7, 5, 2}));
  EXPECT_EQ(balanced.coverage.short_labels, (std::vector<int32_t>{1}));
  EXPECT_EQ(balanced.coverage.no_labels, (std::vector<int32_t>{0, 2}));
}

TEST(BalancedSet, LabelOutOfRange) {
  EXPECT_EQ(error_of([] { balanced_set(one_by_one(example()), 3, 3); }),
            "a transition to label 3, expected 0 to 2");
}

TEST(RandomControl, DrawsOccurrences) {
  const TransitionSet all = example();  // 17 occurrences
  const TransitionSet drawn = random_control(one_by_one(all), 17, 6, 11);
  EXPECT_EQ(std::accumulate(drawn.count.begin(), drawn.count.end(), int64_t{0}), 6);
  const TransitionSet again = random_control(one_by_one(all), 17, 6, 11);
  EXPECT_EQ(drawn.context, again.context);
  EXPECT_EQ(drawn.count, again.count);

  const TransitionSet everything = random_control(one_by_one(all), 17, 17, 11);
  EXPECT_EQ(everything.context, all.context);
  EXPECT_EQ(everything.label, all.label);
  EXPECT_EQ(everything.count, all.count);
  EXPECT_EQ(error_of([&] { random_control(one_by_one(all), 17, 18, 11); }),
            "cannot draw 18 transitions from 17");
}

TEST(RandomControl, InProportionToCounts) {
  // One draw of 17 occurrences: label 1 has one of them. Over 4,000 seeds its share is 1/17 with a
  // standard error of 0.0037; the band is four of them.
  int64_t rare = 0;
  constexpr int kSeeds = 4000;
  for (int seed = 0; seed < kSeeds; ++seed) {
    rare += random_control(one_by_one(example()), 17, 1, static_cast<uint64_t>(seed)).label[0] == 1;
  }
  EXPECT_NEAR(static_cast<double>(rare) / kSeeds, 1.0 / 17, 0.015);
}

}  // namespace
}  // namespace serendip
