#include "transitions/counting.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <map>

#include "base/random.h"
#include "tests/base/temporary_folder.h"
#include "transitions/row_key.h"

namespace serendip {
namespace {

using Row = std::pair<std::vector<int32_t>, int32_t>;

struct CountingCase {
  int64_t context_size, clusters, memory;
};

class Counting : public testing::TestWithParam<CountingCase> {};

std::map<Row, int64_t> read_rows(TransitionCounter& counter) {
  std::map<Row, int64_t> rows;
  Row last;
  TransitionSet block;
  while (counter.next(block)) {
    for (int64_t t = 0; t < block.size(); ++t) {
      const Row row{{block.context_of(t), block.context_of(t) + block.context_size},
                    block.label[static_cast<size_t>(t)]};
      EXPECT_TRUE(rows.empty() || last < row);
      rows[last = row] = block.count[static_cast<size_t>(t)];
    }
  }
  return rows;
}

TEST_P(Counting, IsAMapOfRows) {
  const auto [context_size, clusters, memory] = GetParam();
  const TemporaryFolder folder;
  const auto counter = make_transition_counter(context_size, clusters, memory, folder.path());
  Random random(3);
  std::map<Row, int64_t> expected;
  for (int batch = 0; batch < 40; ++batch) {
    std::vector<int32_t> context, label;
    for (int t = 0; t < 100; ++t) {
      // Few values, the least and the greatest among them, so that rows are often equal.
      const auto cluster = [&random, last = clusters - 1] {
        return static_cast<int32_t>(random.below(2) * static_cast<uint64_t>(last));
      };
      Row row;
      for (int64_t k = 0; k < context_size; ++k) row.first.push_back(k < 9 ? cluster() : 0);
      row.second = cluster();
      context.insert(context.end(), row.first.begin(), row.first.end());
      label.push_back(row.second);
      ++expected[row];
    }
    counter->add(context, label);
  }
  EXPECT_EQ(read_rows(*counter), expected);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

// Keys of one, two and nine words; a memory of a few rows, and one that holds all.
INSTANTIATE_TEST_SUITE_P(Cases, Counting,
                         testing::Values(CountingCase{2, 761, 1 << 20}, CountingCase{2, 761, 200},
                                         CountingCase{1, 2, 1}, CountingCase{1, 1, 100},
                                         CountingCase{6, 761, 3000}, CountingCase{5, 1 << 16, 3000},
                                         CountingCase{16, INT32_MAX, 30000}));

TEST(Counting, AddsSortedRowsOfOthers) {
  const TemporaryFolder folder;
  const auto counter = make_transition_counter(1, 10, 1 << 10, folder.path());
  counter->add({4, 2}, {5, 5});
  for (const int64_t count : {10, 100}) {
    counter->add_sorted([count, done = false](TransitionSet& block) mutable {
      block = {1, {2, 3}, {5, 1}, {count, count}};
      return !std::exchange(done, true);
    });
  }
  const std::map<Row, int64_t> expected = {{{{2}, 5}, 111}, {{{3}, 1}, 110}, {{{4}, 5}, 1}};
  EXPECT_EQ(read_rows(*counter), expected);
}

// Whatever OpenMP says of how many there are.
TEST(Counting, AnyThreadAdds) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const TemporaryFolder folder;
  const auto counter = make_transition_counter(2, 10, 4096, folder.path());
  omp_set_num_threads(before);
#pragma omp parallel num_threads(4)
  for (int t = 0; t < 1000; ++t) counter->add({t % 7, t % 3, t % 7, t % 3}, {8, 9});
  int64_t all = 0;
  for (const auto& [row, count] : read_rows(*counter)) {
    EXPECT_TRUE(row.second == 8 || row.second == 9);
    all += count;
  }
  EXPECT_EQ(all, 4 * 2000);
}

TEST(Counting, NoRows) {
  const TemporaryFolder folder;
  TransitionSet block;
  EXPECT_FALSE(make_transition_counter(2, 761, 1 << 20, folder.path())->next(block));
}

}  // namespace
}  // namespace serendip
