#include "simulator/calibration.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/check.h"

namespace serendip {
namespace {

// User a: item 0 at 0 s, 10 s, then item 1 after an hour. User b: item 0. User c: nothing.
Dataset small_log() {
  Dataset data;
  data.item_id = {"0", "1", "2"};
  data.user_id = {"a", "b", "c"};
  data.user_offset = {0, 3, 4, 4};
  data.event_item = {0, 0, 1, 0};
  data.event_time = {0, 10, 3700, 5000};
  data.event_reward = {1, 1, 1, 1};
  return data;
}

TEST(LogFacts, OfAFewEventsAreThoseByHand) {
  const nlohmann::json facts = log_facts(small_log());
  const auto number = [&](const char* key) { return facts.at(key).get<double>(); };
  EXPECT_EQ(number("users"), 2);
  EXPECT_EQ(number("items"), 2);
  EXPECT_EQ(number("events"), 4);
  EXPECT_DOUBLE_EQ(number("item_gini"), 0.25);  // 1 and 3
  EXPECT_DOUBLE_EQ(number("top_1_percent_items"), 0.75);
  EXPECT_DOUBLE_EQ(number("session_mean"), 4.0 / 3);  // 2, 1 and 1
  EXPECT_DOUBLE_EQ(number("sessions_a_user"), 1.5);
  EXPECT_DOUBLE_EQ(number("repeated"), 0.25);
  // Earlier half (2, 0, 0), later (1, 1, 0).
  EXPECT_NEAR(number("drift"), 1 - 1 / std::sqrt(2), 1e-12);
}

TEST(LogFacts, NeedEvents) { EXPECT_THROW(log_facts(Dataset()), Error); }

}  // namespace
}  // namespace serendip
