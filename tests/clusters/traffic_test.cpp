#include "clusters/traffic.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/base/temporary_folder.h"
#include "tests/clusters/synthetic.h"

namespace serendip {
namespace {

TEST(CapGiants, ByHand) {
  // Two clusters, share 1/2: cap = W' / 4. Capping the first alone: cap = (cap + 8) / 4 = 8 / 3.
  const CappedTraffic capped = cap_giants({2, 2, 10, 2, 2}, 2, 0.5, "level 2");
  EXPECT_DOUBLE_EQ(capped.cap, 8.0 / 3);
  EXPECT_EQ(capped.giants, (std::vector<int32_t>{2}));
  EXPECT_DOUBLE_EQ(capped.weight[2], 8.0 / 3);
  EXPECT_EQ(capped.weight[0], 2);
  EXPECT_DOUBLE_EQ(capped.total, 8 + 8.0 / 3);
}

TEST(CapGiants, IsTheFixedPointThatIterationReaches) {
  const std::vector<double> traffic = zipf_traffic(5000, 20000, 1);
  constexpr int64_t kClusters = 300;
  const CappedTraffic capped = cap_giants(traffic, kClusters, 0.5, "level 2");
  EXPECT_GT(capped.giants.size(), 10u);
  std::vector<double> weight = traffic;
  for (int round = 0; round < 2000; ++round) {
    double total = 0;
    for (const double value : weight) total += value;
    for (size_t i = 0; i < weight.size(); ++i) {
      weight[i] = std::min(traffic[i], 0.5 * total / kClusters);
    }
  }
  for (size_t i = 0; i < weight.size(); ++i) {
    ASSERT_NEAR(capped.weight[i], weight[i], 1e-9 * traffic[i]);
  }
}

TEST(CapGiants, NeedsEnoughItemsWithTraffic) {
  EXPECT_EQ(error_of([] {
              cap_giants({5, 1, 1, 1, 0, 0}, 2, 0.5, "level 2");
            }),
            "level 2 has 2 clusters, which needs more than 4 items with traffic (clusters / "
            "giant_share 0.5); only 4 of 6 items have any");
}

TEST(CapGiants, NoGiants) {
  const CappedTraffic capped = cap_giants({1, 1, 1, 1, 1}, 2, 0.5, "level 2");
  EXPECT_TRUE(capped.giants.empty());
  EXPECT_EQ(capped.total, 5);
}

TEST(TrafficBound, Definition) {
  const TrafficBound loose = traffic_bound(100, 4, 10, 0.05, 0.5);
  EXPECT_DOUBLE_EQ(loose.upper, 14);
  EXPECT_NEAR(loose.lower, 5, 1e-11);
  EXPECT_DOUBLE_EQ(traffic_bound(100, 0.1, 10, 0.05, 0.5).upper, 10.5);
}

}  // namespace
}  // namespace serendip
