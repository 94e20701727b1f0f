#include "recsys/sequences.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/recsys/small_world.h"

namespace serendip {
namespace {

TEST(HoldOut, TakesTheLastTwoEventsOfUsersWithThree) {
  const ItemOrder order = make_item_order(small_tree(40, 8));
  Dataset data = markov_dataset(0, 40, 0);
  data.user_id = {"a", "b", "c"};
  data.event_item = {4, 9, 30, 7, 1, 2, 5, 6, 3};
  data.user_offset = {0, 4, 6, 9};
  const HeldOut held_out = hold_out(data, order);
  const auto position = [&](int item) {
    return int64_t{order.position[static_cast<size_t>(item)]};
  };
  using Positions = std::vector<int64_t>;
  EXPECT_EQ(held_out.training[0], (Positions{position(4), position(9)}));
  EXPECT_EQ(held_out.training[1], (Positions{position(1), position(2)}));
  EXPECT_EQ(held_out.training[2], (Positions{position(5)}));
  EXPECT_EQ(held_out.validation, (Positions{position(30), -1, position(6)}));
  EXPECT_EQ(held_out.test, (Positions{position(7), -1, position(3)}));
  EXPECT_EQ(held_out.evaluated_users(), (Positions{0, 2}));
}

// (user, item, next item) of every place with a target.
std::vector<std::array<int64_t, 3>> places(const PackedRows& rows) {
  std::vector<std::array<int64_t, 3>> result;
  const auto item = rows.item.accessor<int64_t, 2>(), target = rows.target.accessor<int64_t, 2>();
  const auto segment = rows.segment.accessor<int64_t, 2>();
  for (int64_t row = 0; row < rows.item.size(0); ++row)
    for (int64_t place = 0; place < rows.item.size(1); ++place)
      if (target[row][place] >= 0)
        result.push_back({segment[row][place], item[row][place], target[row][place]});
  return result;
}

TEST(PackRows, HoldsEveryConsecutivePairOnceWhateverTheEpoch) {
  std::vector<std::vector<int64_t>> sequences{
      {1, 2, 3, 4, 5, 6, 7}, {}, {8}, {9, 1}, {3, 2, 1, 0, 4}};
  std::vector<std::array<int64_t, 3>> expected;
  for (size_t user = 0; user < sequences.size(); ++user)
    for (size_t event = 0; event + 1 < sequences[user].size(); ++event)
      expected.push_back(
          {static_cast<int64_t>(user), sequences[user][event], sequences[user][event + 1]});
  std::sort(expected.begin(), expected.end());
  bool differs = false;
  for (uint64_t epoch = 0; epoch < 4; ++epoch) {
    const PackedRows rows = pack_rows(sequences, 4, 1, epoch);
    EXPECT_EQ(rows.item.size(0), 3);
    auto actual = places(rows);
    differs |= actual != places(pack_rows(sequences, 4, 1, 0));
    std::sort(actual.begin(), actual.end());
    EXPECT_EQ(actual, expected);
  }
  EXPECT_TRUE(differs);
}

TEST(PackRows, KeepsTimeOrderWithinARow) {
  const std::vector<std::vector<int64_t>> sequences{{1, 2, 3, 4, 5, 6, 7, 8, 9}};
  const PackedRows rows = pack_rows(sequences, 4, 1, 0);
  for (int64_t row = 0; row < rows.item.size(0); ++row)
    EXPECT_TRUE(torch::equal(rows.item[row].slice(0, 1), rows.target[row].slice(0, 0, 3)));
}

}  // namespace
}  // namespace serendip
