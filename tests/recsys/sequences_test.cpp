#include "recsys/sequences.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>

#include "tests/base/temporary_folder.h"
#include "tests/recsys/small_world.h"

namespace serendip {
namespace {

using Positions = std::vector<int64_t>;

// Users a, b and c with 4, 2 and 3 events.
Dataset three_users() {
  Dataset data = markov_dataset(0, 40, 0);
  data.user_id = {"a", "b", "c"};
  data.event_item = {4, 9, 30, 7, 1, 2, 5, 6, 3};
  data.event_time = {10, 20, 30, 40, 15, 35, 36, 36, 41};
  data.event_reward = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  data.user_offset = {0, 4, 6, 9};
  return data;
}

TEST(HoldOut, LeavesOutTheLastTwoEventsOfUsersWithThree) {
  const ItemOrder order = make_item_order(small_tree(40, 8));
  const HeldOut held_out = leave_one_out(make_event_log(three_users(), order));
  EXPECT_EQ(held_out.training_end, (Positions{2, 6, 7}));
  EXPECT_EQ(held_out.validation, (Positions{2, -1, 7}));
  EXPECT_EQ(held_out.test, (Positions{3, -1, 8}));
  EXPECT_EQ(held_out.evaluated_users(HeldOutEvent::kTest), (Positions{0, 2}));
  const History history = held_out.events.before(0, 3);
  EXPECT_EQ(history.item,
            (std::vector<int32_t>{order.position[4], order.position[9], order.position[30]}));
  EXPECT_EQ(history.time, (Positions{10, 20, 30}));
  EXPECT_EQ(history.reward, (std::vector<float>{1, 2, 3}));
  const Positions counts = held_out.training_counts(40);
  EXPECT_EQ(counts[static_cast<size_t>(order.position[4])], 1);
  EXPECT_EQ(counts[static_cast<size_t>(order.position[30])], 0);
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), int64_t{0}), 5);
  const Positions targets = held_out.training_counts(40, /*skipped=*/1);
  EXPECT_EQ(targets[static_cast<size_t>(order.position[4])], 0);
  EXPECT_EQ(targets[static_cast<size_t>(order.position[9])], 1);
}

TEST(HoldOut, OneCutInTimeForAllUsers) {
  // Of 9 times the eighth (40) and the ninth (41) are the cuts.
  const HeldOut held_out =
      split_by_time(make_event_log(three_users(), make_item_order(small_tree(40, 8))));
  EXPECT_EQ(held_out.training_end, (Positions{3, 6, 8}));
  EXPECT_EQ(held_out.validation, (Positions{3, -1, -1}));
  EXPECT_EQ(held_out.test, (Positions{-1, -1, 8}));
}

TEST(HoldOut, NoEventBeforeACutIsHeldOutAndTiesFallBehindIt) {
  Dataset data = three_users();
  data.event_time = {10, 20, 30, 30, 15, 30, 1, 2, 30};
  const HeldOut held_out = split_by_time(make_event_log(data, make_item_order(small_tree(40, 8))));
  // Both cuts are at 30: nothing is left for validation.
  EXPECT_EQ(held_out.training_end, (Positions{2, 5, 8}));
  EXPECT_EQ(held_out.validation, (Positions{-1, -1, -1}));
  EXPECT_EQ(held_out.test, (Positions{2, 5, 8}));
}

TEST(EventLog, RefusesRewardsThatAreNotFinite) {
  Dataset data = three_users();
  data.event_reward[4] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(error_of([&] { make_event_log(data, make_item_order(small_tree(40, 8))); }),
            "recommender: event 4: expected a finite reward, got nan");
}

TEST(EventLog, AnEventIsNovelWhereItsClusterIsNewToItsUser) {
  const ClusterTree tree = small_tree(40, 8);
  const ItemOrder order = make_item_order(tree);
  Dataset data = three_users();
  data.event_item = {4, 9, 12, 4, 4, 4, 12, 20, 28};
  const std::vector<bool> novel = novel_events(make_event_log(data, order), order);
  for (size_t user = 0; user < 3; ++user) {
    std::set<int32_t> clusters;
    for (auto event = static_cast<size_t>(data.user_offset[user]);
         event < static_cast<size_t>(data.user_offset[user + 1]); ++event) {
      const auto item = static_cast<size_t>(data.event_item[event]);
      EXPECT_EQ(novel[event], clusters.insert(tree.planning().assignment[item]).second) << event;
    }
  }
}

// (user, item, next item) of every place with a target.
std::vector<std::array<int64_t, 3>> places(const PackedRows& rows) {
  std::vector<std::array<int64_t, 3>> result;
  const auto item = rows.item.accessor<int64_t, 2>(), segment = rows.segment.accessor<int64_t, 2>();
  const auto target = rows.target.accessor<int64_t, 3>();
  for (int64_t row = 0; row < rows.item.size(0); ++row)
    for (int64_t place = 0; place < rows.item.size(1); ++place)
      if (target[row][place][0] >= 0)
        result.push_back({segment[row][place], item[row][place], target[row][place][0]});
  return result;
}

// All of the users' events for training.
HeldOut training_data(const std::vector<std::vector<int32_t>>& sequences) {
  HeldOut data;
  data.events.offset = {0};
  for (const auto& sequence : sequences) {
    data.events.item.insert(data.events.item.end(), sequence.begin(), sequence.end());
    data.events.offset.push_back(static_cast<int64_t>(data.events.item.size()));
    data.training_end.push_back(data.events.offset.back());
  }
  return data;
}

TEST(PackRows, HoldsEveryConsecutivePairOnceWhateverTheEpoch) {
  const std::vector<std::vector<int32_t>> sequences{
      {1, 2, 3, 4, 5, 6, 7}, {}, {8}, {9, 1}, {3, 2, 1, 0, 4}};
  std::vector<std::array<int64_t, 3>> expected;
  for (size_t user = 0; user < sequences.size(); ++user)
    for (size_t event = 0; event + 1 < sequences[user].size(); ++event)
      expected.push_back(
          {static_cast<int64_t>(user), sequences[user][event], sequences[user][event + 1]});
  std::sort(expected.begin(), expected.end());
  bool differs = false;
  for (uint64_t epoch = 0; epoch < 4; ++epoch) {
    const PackedRows rows = pack_rows(training_data(sequences), 4, 1, 1, epoch);
    EXPECT_EQ(rows.item.size(0), 3);
    auto actual = places(rows);
    differs |= actual != places(pack_rows(training_data(sequences), 4, 1, 1, 0));
    std::sort(actual.begin(), actual.end());
    EXPECT_EQ(actual, expected);
  }
  EXPECT_TRUE(differs);
}

TEST(PackRows, KeepsTimeOrderWithinARow) {
  const HeldOut data = training_data({{1, 2, 3, 4, 5, 6, 7, 8, 9}});
  const PackedRows rows = pack_rows(data, 4, 1, 1, 0);
  const at::Tensor items = torch::tensor(data.events.item, at::kLong);
  EXPECT_TRUE(
      torch::equal(items.index_select(0, rows.event.flatten()).view_as(rows.item), rows.item));
  for (int64_t row = 0; row < rows.item.size(0); ++row)
    EXPECT_TRUE(
        torch::equal(rows.item[row].slice(0, 1), rows.target[row].slice(0, 0, 3).squeeze(1)));
}

TEST(PackRows, TargetsReachBeyondTheRowButNotBeyondTheTrainingEvents) {
  HeldOut data = training_data({{1, 2, 3, 4, 5, 6, 7, 8, 9}});
  data.training_end[0] = 6;
  const PackedRows rows = pack_rows(data, 2, 3, 1, 0);
  ASSERT_EQ(rows.target.sizes().vec(), (std::vector<int64_t>{3, 2, 3}));
  for (int64_t row = 0; row < 3; ++row)
    for (int64_t place = 0; place < 2; ++place)
      for (int64_t ahead = 0; ahead < 3; ++ahead) {
        const auto read = rows.event[row][place].item<int64_t>();
        const bool padding = rows.segment[row][place].item<int64_t>() < 0;
        const int64_t target = read + 1 + ahead;
        EXPECT_EQ(rows.target[row][place][ahead].item<int64_t>(),
                  padding || target >= 6 ? -1 : data.events.item[static_cast<size_t>(target)]);
      }
}

}  // namespace
}  // namespace serendip
