#include "recsys/cluster_bandit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

std::vector<double> unit_vector(Random& random, int64_t dimensions) {
  std::vector<double> result;
  double square = 0.0;
  for (int64_t at = 0; at < dimensions; ++at) {
    result.push_back(random.normal());
    square += result.back() * result.back();
  }
  for (double& value : result) value /= std::sqrt(square);
  return result;
}

// Solves A x = b by Gaussian elimination with pivots.
std::vector<double> solve(std::vector<std::vector<double>> a, std::vector<double> b) {
  const size_t n = b.size();
  for (size_t column = 0; column < n; ++column) {
    size_t pivot = column;
    for (size_t row = column; row < n; ++row)
      if (std::abs(a[row][column]) > std::abs(a[pivot][column])) pivot = row;
    std::swap(a[column], a[pivot]);
    std::swap(b[column], b[pivot]);
    for (size_t row = 0; row < n; ++row) {
      if (row == column) continue;
      const double factor = a[row][column] / a[column][column];
      for (size_t at = 0; at < n; ++at) a[row][at] -= factor * a[column][at];
      b[row] -= factor * b[column];
    }
  }
  for (size_t row = 0; row < n; ++row) b[row] /= a[row][row];
  return b;
}

TEST(LinearArm, EqualsTheDirectInverseAndSolution) {
  constexpr int64_t kDimensions = 5;
  LinearArm arm(kDimensions, 0.5);
  Random random(1);
  std::vector<std::vector<double>> a(kDimensions, std::vector<double>(kDimensions));
  std::vector<double> b(kDimensions);
  for (size_t at = 0; at < kDimensions; ++at) a[at][at] = 0.5;
  for (int event = 0; event < 300; ++event) {
    const std::vector<double> context = unit_vector(random, kDimensions);
    const double reward = random.normal();
    arm.update(context, reward);
    for (size_t row = 0; row < kDimensions; ++row) {
      b[row] += reward * context[row];
      for (size_t column = 0; column < kDimensions; ++column)
        a[row][column] += context[row] * context[column];
    }
  }
  const std::vector<double> theta = solve(a, b);
  for (size_t row = 0; row < kDimensions; ++row) {
    EXPECT_NEAR(arm.coefficients()[row], theta[row], 1e-12);
    std::vector<double> unit(kDimensions);
    unit[row] = 1.0;
    const std::vector<double> column = solve(a, unit);
    for (size_t at = 0; at < kDimensions; ++at)
      EXPECT_NEAR(arm.inverse()[at * kDimensions + row], column[at], 1e-12);
  }
  const std::vector<double> context{1.0, 2.0, 0.0, -1.0, 0.5};
  const std::vector<double> solved = solve(a, context);
  double mean = 0.0, variance = 0.0;
  for (size_t at = 0; at < kDimensions; ++at) {
    mean += theta[at] * context[at];
    variance += solved[at] * context[at];
  }
  EXPECT_NEAR(arm.upper_bound(context, 0.7), mean + 0.7 * std::sqrt(variance), 1e-12);
}

// Two levels: 3 clusters of 2 or 3 clusters each.
const std::vector<std::vector<int32_t>> kParents{{-1, -1, -1}, {0, 0, 1, 1, 2, 2, 2}};
constexpr int32_t kLeaves = 7;

TEST(ClusterBandit, RewardsReachAllAncestorsAndNoOther) {
  ClusterBandit bandit(kParents, 2, {});
  const std::vector<double> context{1.0, 0.0};
  bandit.update(context, 3, 1.0);
  LinearArm expected(2, 1.0);
  expected.update(context, 1.0);
  for (const ClusterBandit::Node& node : bandit.nodes()) {
    const bool on_path =
        (node.level == 1 && node.cluster == 1) || (node.level == 2 && node.cluster == 3);
    EXPECT_EQ(node.visits, on_path ? 1 : 0);
    EXPECT_EQ(node.arm.coefficients(),
              on_path ? expected.coefficients() : std::vector<double>(2, 0.0));
  }
}

TEST(ClusterBandit, DescendsGreedily) {
  BanditOptions options;
  options.exploration = 0.0;
  ClusterBandit bandit(kParents, 1, options);
  const std::vector<double> context{1.0};
  Random random(1);
  EXPECT_EQ(bandit.select(context, random), 0);  // ties: the lower cluster
  // Cluster 1 of level 1 has the higher mean, though the best leaf lies below cluster 2.
  for (int event = 0; event < 20; ++event) {
    bandit.update(context, 2, 0.6);
    bandit.update(context, 3, 0.7);
    bandit.update(context, 4, 1.0);
    for (int other = 0; other < 3; ++other) bandit.update(context, 5, 0.0);
  }
  EXPECT_EQ(bandit.select(context, random), 3);
}

TEST(ClusterBandit, TheFrontierExpandsWhereVisitsAndRewardEarnIt) {
  BanditOptions options;
  options.progressive = true;
  options.exploration = 0.0;
  options.expand_visits = 10.0;  // times log 2: 7 visits
  options.expand_reward = 0.5;   // times log 2: 0.35
  ClusterBandit bandit(kParents, 1, options);
  const std::vector<double> context{1.0};
  Random random(1);
  for (int event = 0; event < 30; ++event) bandit.update(context, 0, 0.2);  // too little reward
  EXPECT_EQ(bandit.frontier(), (std::vector<int64_t>{0, 1, 2}));
  for (int event = 0; event < 6; ++event) bandit.update(context, 5, 1.0);
  EXPECT_EQ(bandit.frontier(), (std::vector<int64_t>{0, 1, 2}));
  // Until then what is below the best is drawn evenly.
  std::vector<int> count(kLeaves);
  for (int draw = 0; draw < 300; ++draw)
    ++count[static_cast<size_t>(bandit.select(context, random))];
  for (const int32_t leaf : {4, 5, 6}) EXPECT_NEAR(count[static_cast<size_t>(leaf)], 100, 45);
  EXPECT_EQ(count[0] + count[1] + count[2] + count[3], 0);
  bandit.update(context, 5, 1.0);
  EXPECT_EQ(bandit.frontier(), (std::vector<int64_t>{0, 1, 7, 8, 9}));
  EXPECT_EQ(bandit.select(context, random), 5);  // it had learnt before it was visible
}

TEST(ClusterBandit, RefusesBadInput) {
  using Parents = std::vector<std::vector<int32_t>>;
  EXPECT_EQ(error_of([] { ClusterBandit({}, 1, {}); }),
            "cluster bandit: expected at least one level of clusters, got none");
  EXPECT_EQ(error_of([] {
              ClusterBandit(Parents{{-1, -1}, {0, 2}}, 1, {});
            }),
            "cluster bandit: level 2, cluster 1: expected a parent from 0 to 1, got 2");
  EXPECT_EQ(error_of([] {
              ClusterBandit(Parents{{-1, -1}, {0, 0}}, 1, {});
            }),
            "cluster bandit: level 1, cluster 1: expected clusters below it, got none");
  ClusterBandit bandit(kParents, 2, {});
  const std::vector<double> context{1.0, 0.0}, short_context{1.0};
  Random random(1);
  EXPECT_EQ(error_of([&] { bandit.select(short_context, random); }),
            "cluster bandit: expected a context of 2 numbers, got 1");
  EXPECT_EQ(error_of([&] { bandit.update(context, kLeaves, 1.0); }),
            "cluster bandit: expected a cluster from 0 to 6, got 7");
  EXPECT_EQ(error_of([&] { bandit.update(context, 0, NAN); }),
            "cluster bandit: expected a finite reward, got nan");
}

// The slope of log regret over log time between two times, for rewards theta_c . x + noise.
struct RegretProblem {
  std::vector<std::vector<int32_t>> parents;
  std::function<std::vector<double>(Random&)> context;
  std::vector<std::vector<double>> theta;  // of the last level's clusters
  BanditOptions options;

  double slope(int64_t first, int64_t last) const {
    Random random(5);
    ClusterBandit bandit(parents, static_cast<int64_t>(theta[0].size()), options);
    double regret = 0.0, regret_at_first = 0.0;
    for (int64_t round = 1; round <= last; ++round) {
      const std::vector<double> x = context(random);
      const auto mean = [&](size_t cluster) {
        double sum = 0.0;
        for (size_t at = 0; at < x.size(); ++at) sum += theta[cluster][at] * x[at];
        return sum;
      };
      const int32_t cluster = bandit.select(x, random);
      double best = -INFINITY;
      for (size_t other = 0; other < theta.size(); ++other) best = std::max(best, mean(other));
      const double value = mean(static_cast<size_t>(cluster));
      regret += best - value;
      bandit.update(x, cluster, value + 0.3 * random.normal());
      if (round == first) regret_at_first = regret;
    }
    return std::log(regret / regret_at_first) /
           std::log(static_cast<double>(last) / static_cast<double>(first));
  }
};

std::vector<std::vector<double>> random_thetas(int64_t clusters, int64_t dimensions) {
  Random random(8);
  std::vector<std::vector<double>> theta;
  for (int64_t cluster = 0; cluster < clusters; ++cluster)
    theta.push_back(unit_vector(random, dimensions));
  return theta;
}

// LinUCB's regret is of order sqrt(T) up to logarithms (Chu et al. 2011); a policy that does not
// learn has slope 1.
TEST(ClusterBandit, RegretOfOneLevelOnLinearRewardsGrowsAsTheRootOfTime) {
  RegretProblem problem{{{-1, -1, -1, -1, -1, -1}},
                        [](Random& random) { return unit_vector(random, 4); },
                        random_thetas(6, 4),
                        {}};
  EXPECT_LT(problem.slope(1000, 16000), 0.6);
  problem.options.exploration = 0.0;
  problem.options.ridge = 1e12;  // learns nothing
  EXPECT_GT(problem.slope(1000, 16000), 0.95);
}

// Four groups of users, for each of which one cluster of level 1 is good and its leaves differ by
// less than that: what a descent, and a frontier that expands where reward is, can find. (A good
// leaf among bad ones is found by neither.)
TEST(ClusterBandit, RegretOfTheTreeAndOfTheFrontierIsSublinearWhereClustersCohere) {
  RegretProblem problem{kParents,
                        [](Random& random) {
                          std::vector<double> x(4);
                          x[random.below(4)] = 1.0;
                          return x;
                        },
                        {},
                        {}};
  Random random(8);
  for (const int32_t parent : kParents[1]) {
    problem.theta.emplace_back();
    for (int32_t group = 0; group < 4; ++group)
      problem.theta.back().push_back((parent == group % 3 ? 0.7 : 0.1) + 0.3 * random.uniform());
  }
  problem.options.exploration = 1.0;
  EXPECT_LT(problem.slope(1000, 16000), 0.7);
  problem.options.progressive = true;
  EXPECT_LT(problem.slope(1000, 16000), 0.7);
}

}  // namespace
}  // namespace serendip
