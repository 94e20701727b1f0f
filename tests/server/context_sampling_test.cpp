#include "infer/server/context_sampling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace serendip::server {
namespace {

constexpr int64_t kDay = 86'400, kWindow = 30 * kDay, kNow = 1'000 * kDay;

MiningRule rule_of(int64_t context_size) { return {context_size, Novelty::kHistory, 1.0f}; }

std::optional<ContextSample> sample(const History& history, const std::vector<int32_t>& cluster,
                                    int64_t context_size, uint64_t seed = 1) {
  Random random(seed);
  return sample_context(history, cluster, rule_of(context_size), kWindow, kNow, random);
}

TEST(ContextSampling, DrawsInProportionToTheReward) {
  const History history{{0, 1, 2}, {kNow - 3, kNow - 2, kNow - 1}, {1, 2, 7}};
  constexpr int kDraws = 20'000;
  std::map<int32_t, int> count;
  std::map<std::vector<int32_t>, int> pairs;
  for (uint64_t seed = 0; seed < kDraws; ++seed) {
    ++count[sample(history, {0, 1, 2}, 1, seed)->context[0]];
    ++pairs[sample(history, {0, 1, 2}, 2, seed)->context];
  }
  const auto expect_share = [&](int seen, double share) {
    EXPECT_NEAR(seen, kDraws * share, 4 * std::sqrt(kDraws * share * (1 - share)));
  };
  expect_share(count[0], 0.1);
  expect_share(count[1], 0.2);
  expect_share(count[2], 0.7);
  // Without replacement: {0, 1} is 0 then 1, or 1 then 0.
  expect_share(pairs[{0, 1}], 0.1 * 0.2 / 0.9 + 0.2 * 0.1 / 0.8);
  expect_share(pairs[{0, 2}], 0.1 * 0.7 / 0.9 + 0.7 * 0.1 / 0.3);
  expect_share(pairs[{1, 2}], 0.2 * 0.7 / 0.8 + 0.7 * 0.2 / 0.3);
}

TEST(ContextSampling, KeepsTheOrderOfTimeAndRepeatsClusters) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto both = sample({{5, 6}, {kNow - 2, kNow - 1}, {1, 9}}, {4, 3}, 2, seed);
    EXPECT_EQ(both->context, (std::vector<int32_t>{4, 3}));
    EXPECT_EQ(both->events, (std::vector<size_t>{0, 1}));
    EXPECT_FALSE(both->window_moved);
  }
  EXPECT_EQ(sample({{5, 6}, {kNow - 2, kNow - 1}, {1, 1}}, {4, 4}, 2)->context,
            (std::vector<int32_t>{4, 4}));
  EXPECT_EQ(sample({{5, 6}, {kNow - 2, kNow - 1}, {1, 1}}, {4, 3}, 4)->context,
            (std::vector<int32_t>{4, 4, 4, 3}));
}

TEST(ContextSampling, ReadsTheWindowOnly) {
  // Too old, at the window's open end, inside, not positive, in the future.
  const History history{{0, 1, 2, 3, 4},
                        {kNow - kWindow - 1, kNow - kWindow, kNow - kWindow + 1, kNow, kNow + 1},
                        {1, 1, 1, 0.5, 1}};
  for (uint64_t seed = 0; seed < 20; ++seed)
    EXPECT_EQ(sample(history, {0, 1, 2, 3, 4}, 1, seed)->context, std::vector<int32_t>{2});
}

TEST(ContextSampling, MovesTheWindowToTheLatestPositiveEvent) {
  const int64_t then = kNow - 2 * kWindow;
  const History old{{0, 1, 2}, {then - kWindow, then - 5, then}, {1, 1, 1}};
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto moved = sample(old, {0, 1, 2}, 2, seed);
    EXPECT_TRUE(moved->window_moved);
    EXPECT_EQ(moved->context, (std::vector<int32_t>{1, 2}));
  }
  const auto future = sample({{0, 1}, {kNow + 1, kNow + kWindow}, {1, 1}}, {0, 1}, 1);
  EXPECT_TRUE(future->window_moved);
  EXPECT_EQ(future->context, std::vector<int32_t>{0});
}

TEST(ContextSampling, NeedsAPositiveEvent) {
  EXPECT_FALSE(sample({}, {}, 2));
  EXPECT_FALSE(sample({{1, 2}, {kNow, kNow}, {0, 0.9f}}, {1, 2}, 2));
}

TEST(ContextSampling, DrawsAlikeWhatHasNoWeight) {
  const History history{{0, 1}, {kNow - 1, kNow}, {0, -3}};
  int first = 0;
  for (uint64_t seed = 0; seed < 2'000; ++seed) {
    Random random(seed);
    const MiningRule all{1, Novelty::kHistory, -5.0f};
    first += sample_context(history, {0, 1}, all, kWindow, kNow, random)->context[0] == 0;
  }
  EXPECT_NEAR(first, 1'000, 4 * std::sqrt(500.0));
}

}  // namespace
}  // namespace serendip::server
