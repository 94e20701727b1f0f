#include "data/event_sorter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "base/random.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

// The reward holds the input order.
std::vector<ImportedEvent> random_events(int32_t count, uint64_t users, uint64_t times) {
  Random random(5);
  std::vector<ImportedEvent> events;
  for (int32_t i = 0; i < count; ++i)
    events.push_back({static_cast<int64_t>(random.below(times)) - 3,
                      static_cast<int32_t>(random.below(users)), i % 11, static_cast<float>(i)});
  return events;
}

class EventSorterMemory : public testing::TestWithParam<int64_t> {};

TEST_P(EventSorterMemory, SortsByUserTimeAndInputOrder) {
  const TemporaryFolder folder;
  const std::vector<ImportedEvent> events = random_events(20000, 37, 50);
  EventSorter sorter(folder.path(), GetParam());
  for (const ImportedEvent& event : events) sorter.add(event);
  EXPECT_EQ(sorter.event_count(), 20000);

  std::vector<ImportedEvent> sorted;
  size_t largest = 0;
  sorter.sort([&](std::span<const ImportedEvent> stretch) {
    sorted.insert(sorted.end(), stretch.begin(), stretch.end());
    largest = std::max(largest, stretch.size());
  });
  std::vector<ImportedEvent> expected = events;
  std::sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) {
    return std::tie(a.user, a.time, a.reward) < std::tie(b.user, b.time, b.reward);
  });
  ASSERT_EQ(sorted.size(), expected.size());
  for (size_t i = 0; i < sorted.size(); ++i) {
    ASSERT_EQ(sorted[i].reward, expected[i].reward) << i;
    ASSERT_EQ(sorted[i].item, expected[i].item) << i;
  }
  const std::vector<int64_t> offsets = sorter.user_offsets();
  ASSERT_EQ(offsets.size(), 38u);
  int64_t busiest = 0;
  for (size_t user = 0; user < 37; ++user) {
    busiest = std::max(busiest, offsets[user + 1] - offsets[user]);
    EXPECT_EQ(sorted[static_cast<size_t>(offsets[user])].user, static_cast<int32_t>(user));
  }
  EXPECT_LE(static_cast<int64_t>(largest), std::max(GetParam(), busiest));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

// All in memory; a few ranges; one user a range at most; fewer than a user has; spilled in one
// range.
INSTANTIATE_TEST_SUITE_P(Limits, EventSorterMemory, testing::Values(1 << 20, 5000, 700, 10, 20000));

TEST(EventSorter, NothingGivesNothing) {
  EventSorter sorter(".");
  sorter.sort([](auto) { FAIL(); });
  EXPECT_EQ(sorter.user_offsets(), std::vector<int64_t>{0});
}

TEST(EventSorter, AScratchFolderThatCannotBeWrittenIsNamed) {
  EventSorter sorter("/nonexistent/folder", 1);
  EXPECT_NE(error_of([&] {
              sorter.add({0, 0, 0, 1});
            }).find("/nonexistent/folder: cannot create"),
            std::string::npos);
}

}  // namespace
}  // namespace serendip
