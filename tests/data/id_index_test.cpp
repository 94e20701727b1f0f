#include <gtest/gtest.h>

#include <unordered_map>

#include "base/random.h"
#include "data/import_rows.h"

namespace serendip {
namespace {

TEST(IdIndex, NumbersByFirstAppearance) {
  IdIndex index;
  Random random(2);
  std::vector<std::string> seen;
  std::unordered_map<std::string, int32_t> expected;
  for (int i = 0; i < 20000; ++i) {
    const std::string id = i == 5 ? "" : "id" + std::to_string(random.below(6000));
    const auto [entry, is_new] = expected.try_emplace(id, static_cast<int32_t>(seen.size()));
    if (is_new) seen.push_back(id);
    ASSERT_EQ(index.add(id), std::pair(entry->second, is_new)) << id;
  }
  EXPECT_EQ(index.ids(), seen);
  EXPECT_EQ(index.find(seen[4000]), 4000);
  EXPECT_EQ(index.find("never"), std::nullopt);
}

TEST(IdIndex, EqualHashesAreToldApart) {
  IdIndex index;
  EXPECT_EQ(index.add("a", 1).first, 0);
  EXPECT_EQ(index.add("b", 1).first, 1);
  EXPECT_EQ(index.add("a", 1), std::pair(0, false));
  EXPECT_EQ(index.add("b", 1), std::pair(1, false));
}

}  // namespace
}  // namespace serendip
