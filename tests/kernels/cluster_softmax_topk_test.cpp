#include "kernels/cluster_softmax_topk.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "kernels/cluster_softmax_topk_tile.h"
#include "kernels/vector_math.h"
#include "tests/kernels/cluster_softmax_topk_problem.h"

namespace serendip {
namespace {

using namespace cluster_softmax_topk_host;

constexpr FloatType kTypes[] = {FloatType::kFloat32, FloatType::kBFloat16, FloatType::kFloat16};

bool machine_has_avx512() {
#ifdef __x86_64__
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
#else
  return false;
#endif
}

// Each with every instruction set that the machine has.
class ClusterSoftmaxTopk : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string(GetParam()) == "avx2") functions = tile_functions_avx2();
    if (std::string(GetParam()) == "avx512" && machine_has_avx512())
      functions = tile_functions_avx512();
    if (functions == nullptr) GTEST_SKIP() << "needs a machine with " << GetParam();
  }
  Result run(const Problem& problem) const {
    Result result = unwritten_result(problem);
    cluster_softmax_topk_by(*functions, problem.input(), result.output());
    return result;
  }
  void expect_equals_reference(const Problem& problem, double scale = 1.0) const {
    expect_reference(problem, run(problem), scale);
  }

  const TileFunctions* functions = nullptr;
};

INSTANTIATE_TEST_SUITE_P(InstructionSets, ClusterSoftmaxTopk, ::testing::Values("avx2", "avx512"),
                         [](const auto& instance) { return std::string(instance.param); });

void expect_same_bits(const Result& left, const Result& right) {
  EXPECT_EQ(left.ids, right.ids);
  EXPECT_EQ(left.log_prob, right.log_prob);
  EXPECT_EQ(left.log_z, right.log_z);
}

TEST_P(ClusterSoftmaxTopk, EqualsReferenceForOddWidthsAndSizes) {
  for (const FloatType type : kTypes)
    for (const int64_t width : {1, 3, 8, 13, 24, 64, 100})
      for (const int64_t k : {1, 5, 40})
        expect_equals_reference(random_problem(width, k, {7, 0, 1, 33, 12},
                                               {{0, 3}, {2}, {4, 3, 0, 2}, {1}, {}, {3}, {3, 1}},
                                               1.0, type));
}

TEST_P(ClusterSoftmaxTopk, EqualsReferenceAcrossItemTiles) {
  for (const FloatType type : kTypes)
    for (const int64_t width : {16, 200})
      expect_equals_reference(
          random_problem(width, 20, {3000, 1024, 5}, {{0, 1}, {0}, {2, 0}, {1, 2}}, 1.0, type));
}

TEST_P(ClusterSoftmaxTopk, EqualsReferenceForEveryNumberOfQueries) {
  for (const size_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 140})
    expect_equals_reference(random_problem(
        20, 6, {170, 31}, std::vector<std::vector<int64_t>>(rows, std::vector<int64_t>{1, 0})));
}

TEST_P(ClusterSoftmaxTopk, EqualsReferenceForLargeK) {
  for (const int64_t k : {64, 256, 1000, 5000})
    expect_equals_reference(
        random_problem(12, k, {2500, 0, 900, 40}, {{0, 2}, {3}, {0}, {2, 3}, {1}}));
}

TEST_P(ClusterSoftmaxTopk, LargeScoresDoNotOverflow) {
  // Scores reach thousands, so rounding is relative to them.
  expect_equals_reference(random_problem(32, 5, {50, 20}, {{0, 1}, {1}}, 1000.0), 1000.0);
}

TEST_P(ClusterSoftmaxTopk, NothingToSee) {
  const Problem no_rows = random_problem(8, 3, {4, 5}, {});
  EXPECT_TRUE(run(no_rows).ids.empty());
  expect_equals_reference(random_problem(8, 3, {}, {{}, {}}));
  expect_equals_reference(random_problem(8, 3, {0, 0}, {{0, 1}, {}, {1}}));
}

TEST_P(ClusterSoftmaxTopk, FewNamedOfManyClusters) {
  std::vector<int64_t> sizes(1000, 3);
  sizes[700] = 50;
  expect_equals_reference(
      random_problem(8, 4, sizes, {{999, 0}, {700, 3, 700}, {}, {0}, {3, 999, 700}}));
}

TEST_P(ClusterSoftmaxTopk, OneClusterOfAMillionItems) {
  const Problem problem = random_problem(2, 300, {10, 1'000'000}, {{1}, {1, 0}});
  expect_equals_reference(problem);
}

TEST_P(ClusterSoftmaxTopk, ClusterNamedTwiceCountsOnce) {
  const std::vector<int64_t> sizes{9, 4, 6};
  expect_same_bits(run(random_problem(8, 5, sizes, {{0, 2}})),
                   run(random_problem(8, 5, sizes, {{2, 0, 2, 0, 0}})));
}

TEST_P(ClusterSoftmaxTopk, TiesGoToTheLowerItem) {
  Problem problem;
  problem.width = 2;
  problem.k = 4;
  problem.cluster_offset = {0, 2, 4, 6};
  problem.item_embedding = {1, 0, 2, 0, 2, 5, 1, 5, 2, 9, 3, 9};
  problem.query = {1, 0};
  problem.add_row({2, 1, 0});
  EXPECT_EQ(run(problem).ids, (std::vector<int64_t>{5, 1, 2, 4}));
}

TEST_P(ClusterSoftmaxTopk, ManyTiesGoToTheLowestItems) {
  for (const int64_t k : {1, 10, 700, 2999}) {
    Problem problem;
    problem.width = 1;
    problem.k = k;
    problem.cluster_offset = {0, 1500, 3000};
    problem.item_embedding.assign(3000, 1.0f);
    problem.query = {1.0f};
    problem.add_row({1, 0});
    std::vector<int64_t> lowest(static_cast<size_t>(k));
    std::iota(lowest.begin(), lowest.end(), 0);
    const Result result = run(problem);
    EXPECT_EQ(result.ids, lowest);
    EXPECT_NEAR(result.log_z[0], 1.0 + std::log(3000.0), 1e-6);
  }
}

// Threads may finish a tile of lower items after one of higher items with the same scores.
TEST_P(ClusterSoftmaxTopk, TiesGoToTheLowerItemInAnyOrderOfTiles) {
  alignas(64) static float room[room_floats(1)];
  const std::vector<float> query{1.0f}, items(4, 1.0f);
  const NamedCluster named{0, 0, 0};
  ScoreSum sum;
  BestOfRows best({0, 20}, 2);
  const std::vector<Candidate> higher{{1.0f, 15}, {1.0f, 16}};
  best.add(0, higher.data(), 2, 1.0f);
  functions->run_tile({query.data(), items.data(), FloatType::kFloat32, 1, 2, &sum, &best},
                      {0, 4, 0, &named, 1}, room, nullptr);
  const auto sorted = best.sorted(0);
  ASSERT_EQ(sorted.size(), 2u);
  EXPECT_EQ(sorted[0].id, 0);
  EXPECT_EQ(sorted[1].id, 1);
}

// Ascending scores defeat every threshold.
TEST_P(ClusterSoftmaxTopk, AscendingScores) {
  Problem problem;
  problem.width = 1;
  problem.k = 100;
  problem.cluster_offset = {0, 50'000};
  for (int item = 0; item < 50'000; ++item)
    problem.item_embedding.push_back(static_cast<float>(item) * 0x1p-12f);
  problem.query = {1.0f};
  problem.add_row({0});
  expect_equals_reference(problem);
}

Problem only_row(const Problem& all, size_t row) {
  Problem alone = all;
  const auto begin = all.query.begin() + static_cast<int64_t>(row) * all.width;
  alone.query.assign(begin, begin + all.width);
  alone.row_offset = {0};
  alone.row_cluster.clear();
  alone.add_row({all.row_cluster.begin() + all.row_offset[row],
                 all.row_cluster.begin() + all.row_offset[row + 1]});
  return alone;
}

TEST_P(ClusterSoftmaxTopk, RowDependsOnItselfAlone) {
  const std::vector<int64_t> sizes{700, 1500, 30, 90, 5000};
  std::vector<std::vector<int64_t>> rows{{0, 1}, {1}, {1, 2}, {3, 0}, {1, 3}, {2}, {4, 0}};
  rows.resize(17, {1, 0});
  for (const FloatType type : kTypes) {
    const Problem all = random_problem(24, 10, sizes, rows, 1.0, type);
    const Result together = run(all);
    for (const int threads : {1, 3, 2}) {
      omp_set_num_threads(threads);
      expect_same_bits(run(all), together);
    }
    for (size_t row = 0; row < rows.size(); ++row) {
      const Result result = run(only_row(all, row));
      EXPECT_EQ(result.log_z[0], together.log_z[row]);
      EXPECT_EQ(
          0, std::memcmp(result.ids.data(), together.ids.data() + row * 10, 10 * sizeof(int64_t)));
      EXPECT_EQ(0, std::memcmp(result.log_prob.data(), together.log_prob.data() + row * 10,
                               10 * sizeof(float)));
    }
  }
}

TEST_P(ClusterSoftmaxTopk, EqualsTheChosenCode) {
  const Problem problem = random_problem(40, 10, {700, 1500, 30}, {{0, 1}, {1}, {1, 2}, {2}});
  Result chosen = unwritten_result(problem);
  cluster_softmax_topk_cpu(problem.input(), chosen.output());
  expect_same_bits(run(problem), chosen);
}

TEST(VectorMath, ExpIsExactToTwoRoundings) {
  const auto lane_of = [](Floats values) { return static_cast<double>(values[0]); };
  for (float x = 0.0f; x >= -87.0f; x -= 0x1p-12f + std::fabs(x) * 0x1p-14f) {
    const double expected = std::exp(static_cast<double>(x));
    EXPECT_NEAR(lane_of(exp_normal(broadcast(x))), expected, 1.2e-7 * expected) << x;
    EXPECT_NEAR(lane_of(exp_nonpositive(broadcast(x))), expected, 1.2e-7 * expected) << x;
  }
  for (float x = -87.0f; x >= -104.0f; x -= 0x1p-10f)
    EXPECT_NEAR(lane_of(exp_nonpositive(broadcast(x))), std::exp(static_cast<double>(x)),
                1.2e-7 * std::exp(static_cast<double>(x)) + 0x1p-150)
        << x;
  for (const float x : {-104.0f, -1000.0f, -std::numeric_limits<float>::infinity()})
    EXPECT_EQ(lane_of(exp_nonpositive(broadcast(x))), 0.0) << x;
}

}  // namespace
}  // namespace serendip
