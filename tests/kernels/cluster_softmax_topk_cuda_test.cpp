// The CUDA kernels' own source, run on the CPU under every schedule.
#include <gtest/gtest.h>

#include <numeric>

#include "kernels/cluster_softmax_topk_kernel.cuh"
#include "tests/kernels/cluster_softmax_topk_problem.h"
#include "tests/kernels/cluster_workspace.h"

namespace serendip {
namespace {

namespace device = cluster_softmax_topk_device;
using cuda_on_host::Schedule;

constexpr int64_t kSharedLimit = 227 * 1024;

template <typename T, int kSlots>
Result run_as(const Problem& problem, Schedule schedule, const device::Plan& plan) {
  const ClusterSoftmaxTopkInput input = problem.input();
  const auto rows = static_cast<size_t>(input.query_count);
  const auto pairs = static_cast<int64_t>(problem.row_cluster.size());
  WorkspaceBuffers buffers(input, pairs, plan);
  const device::Workspace work = buffers.workspace();
  Result result{cuda_on_host::poisoned<int64_t>(rows * static_cast<size_t>(input.k)),
                cuda_on_host::poisoned<float>(rows * static_cast<size_t>(input.k)),
                cuda_on_host::poisoned<float>(rows)};
  const ClusterSoftmaxTopkOutput output{result.ids.data(), result.log_prob.data(),
                                        result.log_z.data()};
  cuda_on_host::launch(schedule, device::group_kernel, 1u,
                       static_cast<unsigned>(device::kGroupThreads), device::kGroupSharedBytes,
                       input, plan, work);
  if (const int64_t units = device::most_units(input, pairs, plan); units > 0)
    cuda_on_host::launch(schedule, device::score_kernel<T, kSlots>, static_cast<unsigned>(units),
                         static_cast<unsigned>(device::kScoreThreads),
                         static_cast<size_t>(device::shared_layout(plan, sizeof(T)).bytes), input,
                         plan, work);
  if (rows > 0)
    cuda_on_host::launch(schedule, device::merge_kernel<kSlots>, static_cast<unsigned>(rows),
                         static_cast<unsigned>(device::kMergeThreads), 0, input, plan, work,
                         output);
  return result;
}

template <typename T>
Result run_as(const Problem& problem, Schedule schedule, const device::Plan& plan) {
  return problem.k <= device::kWarpSize ? run_as<T, 1>(problem, schedule, plan)
                                        : run_as<T, 8>(problem, schedule, plan);
}

Result run(const Problem& problem, Schedule schedule, const device::Plan& plan) {
  switch (problem.type) {
    case FloatType::kBFloat16:
      return run_as<BFloat16>(problem, schedule, plan);
    case FloatType::kFloat16:
      return run_as<Float16>(problem, schedule, plan);
    default:
      return run_as<float>(problem, schedule, plan);
  }
}

device::Plan plan_of(const Problem& problem) {
  return device::make_plan(problem.input(), static_cast<int64_t>(problem.row_cluster.size()),
                           kSharedLimit);
}

Result run(const Problem& problem, Schedule schedule) {
  return run(problem, schedule, plan_of(problem));
}

class ClusterSoftmaxTopkHostEmulated : public ::testing::TestWithParam<Schedule> {};

TEST_P(ClusterSoftmaxTopkHostEmulated, EqualsReference) {
  const std::vector<std::vector<int64_t>> rows = {{0, 3}, {2}, {4, 3, 0, 2, 3}, {1},
                                                  {},     {3}, {3, 1}};
  const auto expect = [&](FloatType type, int64_t width, int64_t k) {
    SCOPED_TRACE(testing::Message() << static_cast<int>(type) << " " << width << " " << k);
    const Problem problem = random_problem(width, k, {7, 0, 1, 133, 12}, rows, 1.0, type);
    expect_reference(problem, run(problem, GetParam()));
  };
  for (const FloatType type : {FloatType::kFloat32, FloatType::kBFloat16, FloatType::kFloat16})
    for (const int64_t width : {8, 64, 136}) expect(type, width, 5);
  for (const int64_t k : {1, 40}) expect(FloatType::kFloat32, 8, k);
}

TEST_P(ClusterSoftmaxTopkHostEmulated, RangesAndTilesOfEverySize) {
  // One short of, at and one past a tile, a range, two ranges.
  const std::vector<int64_t> sizes = {127, 128, 129, 255, 256, 257, 512, 600};
  std::vector<std::vector<int64_t>> rows;
  for (int64_t cluster = 0; cluster < 8; ++cluster) rows.push_back({7 - cluster, cluster});
  const Problem problem = random_problem(24, 20, sizes, rows, 1.0, FloatType::kBFloat16);
  expect_reference(problem, run(problem, GetParam()));
  device::Plan plan = plan_of(problem);
  plan.splits = 1;  // several tiles a range
  expect_reference(problem, run(problem, GetParam(), plan));
}

TEST_P(ClusterSoftmaxTopkHostEmulated, ManyQueriesOfOneCluster) {
  std::vector<std::vector<int64_t>> rows(150, {1});
  rows[3] = {0, 1};
  rows[149] = {1, 0, 2};
  const Problem problem = random_problem(16, 3, {5, 140, 3}, rows);
  const device::Plan plan = plan_of(problem);
  EXPECT_EQ(plan.unit_queries, 4 * device::kQueryTile);
  expect_reference(problem, run(problem, GetParam(), plan));
}

TEST_P(ClusterSoftmaxTopkHostEmulated, KeepsUpTo256) {
  const Problem problem =
      random_problem(8, 256, {300, 30, 700}, {{0, 1, 2}, {1}, {2}}, 1.0, FloatType::kFloat16);
  expect_reference(problem, run(problem, GetParam()));
}

TEST_P(ClusterSoftmaxTopkHostEmulated, ManyClustersOfWhichMostHaveNoQuery) {
  std::vector<int64_t> sizes(1500);
  for (size_t i = 0; i < sizes.size(); ++i) sizes[i] = static_cast<int64_t>(i % 3);
  std::vector<int64_t> all(64);
  std::iota(all.begin(), all.end(), int64_t{1400});
  const Problem problem = random_problem(8, 4, sizes, {{1499, 7}, all, {0}});
  expect_reference(problem, run(problem, GetParam()));
}

TEST_P(ClusterSoftmaxTopkHostEmulated, AClusterThatDoesNotExistIsEmpty) {
  const std::vector<int64_t> sizes = {9, 4};
  const Problem known = random_problem(8, 5, sizes, {{0}, {1}});
  Problem unknown = random_problem(8, 5, sizes, {{2, 0, -1}, {1}});
  const Result expected = run(known, GetParam()), actual = run(unknown, GetParam());
  EXPECT_EQ(actual.ids, expected.ids);
  EXPECT_EQ(actual.log_prob, expected.log_prob);
}

TEST_P(ClusterSoftmaxTopkHostEmulated, LargeScoresDoNotOverflow) {
  const Problem problem = random_problem(32, 5, {300, 20}, {{0, 1}, {1}}, 1000.0);
  expect_reference(problem, run(problem, GetParam()), 3e4);
}

TEST_P(ClusterSoftmaxTopkHostEmulated, TiesGoToTheLowerItem) {
  for (const int64_t k : {12, 40}) {
    Problem problem;
    problem.width = 8;
    problem.k = k;
    problem.cluster_offset = {0, 10, 310};
    problem.item_embedding.assign(310 * 8, 1.0f);
    problem.item_embedding[17 * 8] = 2.0f;
    problem.query.assign(8, 1.0f);
    problem.add_row({1, 0});
    std::vector<int64_t> expected(static_cast<size_t>(k));
    std::iota(expected.begin(), expected.end(), int64_t{-1});
    expected[0] = 17;
    if (k > 18) std::iota(expected.begin() + 18, expected.end(), int64_t{18});
    EXPECT_EQ(run(problem, GetParam()).ids, expected);
  }
}

TEST_P(ClusterSoftmaxTopkHostEmulated, NoItemsNoRows) {
  const Problem no_items = random_problem(8, 3, {0, 0}, {{0, 1}, {}});
  expect_reference(no_items, run(no_items, GetParam()));
  const Problem no_clusters = random_problem(8, 3, {}, {{}, {}});
  expect_reference(no_clusters, run(no_clusters, GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Schedules, ClusterSoftmaxTopkHostEmulated,
                         ::testing::ValuesIn(cuda_on_host::kSchedules),
                         ::testing::PrintToStringParamName());

TEST(ClusterSoftmaxTopkPlan, LaysTheWorkspaceOutWithoutOverlap) {
  const Problem problem = random_problem(8, 3, {5, 7}, {{0}, {1, 0}});
  const ClusterSoftmaxTopkInput input = problem.input();
  const device::Plan plan = plan_of(problem);
  device::Workspace work{};
  const int64_t bytes = device::lay_out(input, 3, plan, nullptr, work);
  std::vector<char> memory(static_cast<size_t>(bytes));
  EXPECT_EQ(device::lay_out(input, 3, plan, memory.data(), work), bytes);
  EXPECT_EQ(reinterpret_cast<char*>(work.units + device::most_units(input, 3, plan)),
            memory.data() + bytes);
  EXPECT_LE(reinterpret_cast<char*>(work.best_item + 3 * plan.splits * 3),
            reinterpret_cast<char*>(work.units));
}

}  // namespace
}  // namespace serendip
