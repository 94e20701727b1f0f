#include "recsys/ranking.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

TEST(Ranking, CountsBetterItemsAndEarlierTies) {
  const std::vector<float> scores{2, 5, 3, 3, 3, 1};
  EXPECT_EQ(rank_of(scores.data(), 6, 1, {}), 0);
  EXPECT_EQ(rank_of(scores.data(), 6, 3, {}), 2);
  EXPECT_EQ(rank_of(scores.data(), 6, 5, {}), 5);
}

TEST(Ranking, LeavesOutSeenItemsButNotTheTarget) {
  const std::vector<float> scores{2, 5, 3, 3, 3, 1};
  EXPECT_EQ(rank_of(scores.data(), 6, 3, {1, 1, 5, 4}), 1);
  EXPECT_EQ(rank_of(scores.data(), 6, 3, {3, 2, 1}), 0);
}

TEST(Ranking, RefusesAScoreThatIsNotFinite) {
  const std::vector<float> scores{1, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_EQ(error_of([&] { rank_of(scores.data(), 2, 1, {}); }),
            "ranking: item 1: expected a finite score, got nan");
}

TEST(Ranking, Metrics) {
  const std::vector<int64_t> ranks{0, 1, 7, 19, 20};
  const nlohmann::json metrics = ranking_metrics(ranks);
  EXPECT_EQ(metrics["users"], 5);
  EXPECT_DOUBLE_EQ(metrics["hr_at_5"], 0.4);
  EXPECT_DOUBLE_EQ(metrics["hr_at_10"], 0.6);
  EXPECT_DOUBLE_EQ(metrics["hr_at_20"], 0.8);
  EXPECT_DOUBLE_EQ(metrics["ndcg_at_5"], (1.0 + 1.0 / std::log2(3.0)) / 5);
  EXPECT_DOUBLE_EQ(metrics["ndcg_at_10"], (1.0 + 1.0 / std::log2(3.0) + 1.0 / std::log2(9.0)) / 5);
  EXPECT_DOUBLE_EQ(metrics["mrr"], (1.0 + 1.0 / 2 + 1.0 / 8 + 1.0 / 20 + 1.0 / 21) / 5);
  EXPECT_EQ(ndcg_at({}, 10), 0.0);
  EXPECT_EQ(mean_reciprocal_rank({}), 0.0);
}

}  // namespace
}  // namespace serendip
