#include "transitions/context_list.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

TEST(ContextList, AllAreNumberedInOrder) {
  const ContextList list = ContextList::all(3, 2);
  EXPECT_EQ(list.rows(), 9);
  EXPECT_EQ(list[5], (std::vector<int32_t>{1, 2}));
  for (int64_t row = 0; row < list.rows(); ++row) EXPECT_EQ(list.find(list[row]), row);
  EXPECT_EQ(list.find(std::vector<int32_t>{0, 3}), std::nullopt);
  EXPECT_EQ(list.find(std::vector<int32_t>{0, -1}), std::nullopt);
  EXPECT_EQ(list.find(std::vector<int32_t>{0}), std::nullopt);
}

TEST(ContextList, ListedAreSortedAndDistinct) {
  const ContextList list = ContextList::listed(9, 3, {7, 0, 1, 2, 8, 8, 7, 0, 0, 7, 0, 1, 2, 8, 0});
  EXPECT_EQ(list.contexts(), (std::vector<int32_t>{2, 8, 0, 2, 8, 8, 7, 0, 0, 7, 0, 1}));
  for (int64_t row = 0; row < list.rows(); ++row) EXPECT_EQ(list.find(list[row]), row);
  EXPECT_EQ(list.find(std::vector<int32_t>{0, 0, 0}), std::nullopt);
  EXPECT_EQ(list.find(std::vector<int32_t>{2, 8, 1}), std::nullopt);
  EXPECT_EQ(list.find(std::vector<int32_t>{8, 8, 8}), std::nullopt);
}

TEST(ContextList, RefusesWhatDoesNotFit) {
  EXPECT_EQ(error_of([] {
              ContextList::listed(3, 2, {0, 1, 2});
            }),
            "expected contexts of 2, got 3 values");
  EXPECT_EQ(error_of([] {
              ContextList::listed(3, 2, {0, -1});
            }),
            "context: expected clusters below 3, got -1");
  EXPECT_EQ(error_of([] { ContextList::all(761, 4); }),
            "expected at most 2147483647 contexts, got all 761^4; list some");
}

}  // namespace
}  // namespace serendip
