#include "train/measure.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace serendip {
namespace {

// Training: (0,1)->2 three times, (0,1)->3 once, (2,1)->0 once; M = 4.
TransitionSet training() { return {2, {0, 1, 0, 1, 2, 1}, {2, 3, 0}, {3, 1, 1}}; }

TEST(Measure, PopularityLeavesOutTheContext) {
  const int32_t context[] = {0, 1};
  const auto log_prob = popularity_distribution(training(), 4)(context);
  // Add-one counts are 2, 1, 4, 2; without 0 and 1: 4/6 and 2/6.
  EXPECT_EQ(log_prob[0], -INFINITY);
  EXPECT_EQ(log_prob[1], -INFINITY);
  EXPECT_NEAR(std::exp(log_prob[2]), 4.0 / 6, 1e-12);
  EXPECT_NEAR(std::exp(log_prob[3]), 2.0 / 6, 1e-12);
}

TEST(Measure, MarkovCountsTheLastCluster) {
  const int32_t context[] = {3, 1};
  const auto log_prob = markov_distribution(training(), 4)(context);
  // Counts after 1: label 0 once, 2 three times, 3 once, plus shares 2/9, 1/9, 4/9, 2/9.
  const double zero = 1 + 2.0 / 9, two = 3 + 4.0 / 9;
  EXPECT_NEAR(std::exp(log_prob[0]), zero / (zero + two), 1e-12);
  EXPECT_NEAR(std::exp(log_prob[2]), two / (zero + two), 1e-12);
}

TEST(Measure, TiesShareTheirPlaces) {
  const UserTransitions one{2, {0}, {0, 1}, {2}};
  const TransitionScores uniform = score_transitions(one, uniform_distribution(12));
  EXPECT_NEAR(uniform.hit_at_1[0], 1.0 / 10, 1e-12);
  EXPECT_NEAR(uniform.hit_at_5[0], 5.0 / 10, 1e-12);
  EXPECT_NEAR(uniform.hit_at_10[0], 1, 1e-12);
  EXPECT_NEAR(uniform.nll[0], std::log(10), 1e-12);
  const TransitionScores popular = score_transitions(one, popularity_distribution(training(), 4));
  EXPECT_EQ(popular.hit_at_1[0], 1);
}

TEST(Measure, StandardErrorIsClusteredByUser) {
  // Users a: 1, 1 and b: 0, 0: mean 1/2, deviations of the sums ±1, so √(2·(1+1))/4.
  const Estimate estimate = clustered_mean({1, 1, 0, 0}, {7, 7, 9, 9});
  EXPECT_DOUBLE_EQ(estimate.mean, 0.5);
  EXPECT_NEAR(estimate.standard_error, std::sqrt(2.0 * 2) / 4, 1e-12);
  // Every transition its own user: the usual standard error of a mean.
  EXPECT_NEAR(clustered_mean({1, 1, 0, 0}, {1, 2, 3, 4}).standard_error,
              std::sqrt(4.0 / 3 * 1.0) / 4, 1e-12);
}

TEST(Measure, SampledContextsAreUntrainedAndUniform) {
  const auto contexts = sample_contexts(4, 4000, training(), 5);
  ASSERT_EQ(contexts.size(), 8000);
  std::set<std::pair<int32_t, int32_t>> seen;
  for (size_t i = 0; i < contexts.size(); i += 2) seen.emplace(contexts[i], contexts[i + 1]);
  EXPECT_EQ(seen.size(), 14);  // all of 16 but (0,1) and (2,1)
  EXPECT_EQ(seen.count({0, 1}) + seen.count({2, 1}), 0);
  EXPECT_EQ(contexts, sample_contexts(4, 4000, training(), 5));
}

}  // namespace
}  // namespace serendip
