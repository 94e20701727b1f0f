// The CUDA kernels' own source, run on the CPU under every schedule.
#include <gtest/gtest.h>

#include "kernels/cluster_log_softmax_kernel.cuh"
#include "tests/kernels/cluster_softmax_topk_problem.h"
#include "tests/kernels/cluster_workspace.h"
#include "tests/kernels/packed_floats.h"

namespace serendip {
namespace {

namespace device = cluster_log_softmax_device;
namespace groups = cluster_softmax_topk_device;
using cuda_on_host::Schedule;

constexpr int64_t kSharedLimit = 227 * 1024;

// A problem of cluster_softmax_topk with targets and the gradients of both outputs.
struct LogSoftmaxProblem {
  Problem base;
  std::vector<int64_t> target;
  std::vector<float> grad_log_prob, grad_log_z;
};

LogSoftmaxProblem random_log_softmax(int64_t width, const std::vector<int64_t>& sizes,
                                     const std::vector<std::vector<int64_t>>& rows, FloatType type,
                                     double scale = 1.0) {
  // Scores of order 1: the softmax then has more than one item.
  LogSoftmaxProblem problem{
      random_problem(width, 1, sizes, rows, scale / std::sqrt(static_cast<double>(width)), type),
      {},
      {},
      {}};
  problem.base.k = 0;
  Random random(3);
  for (const std::vector<int64_t>& row : rows) {
    int64_t target = -1;
    if (!row.empty() && random.below(4) > 0) {
      const auto cluster = static_cast<size_t>(row[random.below(row.size())]);
      const int64_t begin = problem.base.cluster_offset[cluster],
                    count = problem.base.cluster_offset[cluster + 1] - begin;
      if (count > 0)
        target = begin + static_cast<int64_t>(random.below(static_cast<uint64_t>(count)));
    }
    problem.target.push_back(target);
    problem.grad_log_prob.push_back(static_cast<float>(random.normal()));
    problem.grad_log_z.push_back(static_cast<float>(random.normal()));
  }
  return problem;
}

struct LogSoftmaxResult {
  std::vector<double> log_prob, log_z, grad_query, grad_item;
};

// The definition, in double.
LogSoftmaxResult reference(const LogSoftmaxProblem& problem) {
  const Problem& base = problem.base;
  const auto width = static_cast<size_t>(base.width);
  LogSoftmaxResult result;
  result.grad_query.assign(base.query.size(), 0.0);
  result.grad_item.assign(base.item_embedding.size(), 0.0);
  for (size_t row = 0; row < problem.target.size(); ++row) {
    const std::set<int64_t> clusters(base.row_cluster.begin() + base.row_offset[row],
                                     base.row_cluster.begin() + base.row_offset[row + 1]);
    std::vector<std::pair<size_t, double>> scores;
    for (const int64_t cluster : clusters)
      for (auto item = static_cast<size_t>(base.cluster_offset[static_cast<size_t>(cluster)]);
           item < static_cast<size_t>(base.cluster_offset[static_cast<size_t>(cluster) + 1]);
           ++item) {
        double score = 0;
        for (size_t column = 0; column < width; ++column)
          score += static_cast<double>(base.query[row * width + column]) *
                   static_cast<double>(base.item_embedding[item * width + column]);
        scores.emplace_back(item, score);
      }
    double sum = 0, log_prob = 0;
    for (const auto& [item, score] : scores) sum += std::exp(score);
    const double log_z = std::log(sum);
    const int64_t target = problem.target[row];
    const double g = target >= 0 ? static_cast<double>(problem.grad_log_prob[row]) : 0;
    const double h = static_cast<double>(problem.grad_log_z[row]);
    for (const auto& [item, score] : scores) {
      const bool wanted = static_cast<int64_t>(item) == target;
      if (wanted) log_prob = score - log_z;
      const double weight = (wanted ? g : 0) + (h - g) * std::exp(score - log_z);
      for (size_t column = 0; column < width; ++column) {
        result.grad_query[row * width + column] +=
            weight * static_cast<double>(base.item_embedding[item * width + column]);
        result.grad_item[item * width + column] +=
            weight * static_cast<double>(base.query[row * width + column]);
      }
    }
    result.log_z.push_back(log_z);
    result.log_prob.push_back(log_prob);
  }
  return result;
}

// Values of a result in the kernels' type, poisoned until written.
template <typename T>
std::vector<double> widened_values(const std::vector<T>& values) {
  std::vector<double> wide;
  for (const T value : values) wide.push_back(static_cast<double>(to_float(value)));
  return wide;
}

template <typename T>
LogSoftmaxResult run_as(const LogSoftmaxProblem& problem, Schedule schedule) {
  const ClusterSoftmaxTopkInput input = problem.base.input();
  const auto pairs = static_cast<int64_t>(problem.base.row_cluster.size());
  const auto rows = static_cast<size_t>(input.query_count);
  const auto group = [&](const device::Plan& plan, const device::Workspace& work) {
    cuda_on_host::launch(schedule, groups::group_kernel, 1u,
                         static_cast<unsigned>(groups::kGroupThreads), groups::kGroupSharedBytes,
                         input, plan, work);
  };
  const auto blocks = [](int64_t count) { return static_cast<unsigned>(count); };
  auto log_prob = cuda_on_host::poisoned<float>(rows), log_z = log_prob;
  {
    const device::Plan plan = groups::make_plan(input, pairs, kSharedLimit);
    WorkspaceBuffers buffers(input, pairs, plan);
    group(plan, buffers.workspace());
    if (const int64_t units = groups::most_units(input, pairs, plan); units > 0)
      cuda_on_host::launch(schedule, groups::score_kernel<T, 0>, blocks(units),
                           static_cast<unsigned>(groups::kScoreThreads),
                           static_cast<size_t>(groups::shared_layout(plan, sizeof(T)).bytes), input,
                           plan, buffers.workspace());
    cuda_on_host::launch(schedule, device::log_prob_kernel<T>, blocks(input.query_count),
                         static_cast<unsigned>(device::kWarpSize), 0, input, plan,
                         buffers.workspace(), problem.target.data(), log_prob.data(), log_z.data());
  }
  const device::Plan plan = device::backward_plan(input, pairs);
  WorkspaceBuffers buffers(input, pairs, plan);
  group(plan, buffers.workspace());
  const ClusterLogSoftmaxBackwardInput grad{
      problem.target.data(), log_z.data(), problem.grad_log_prob.data(), problem.grad_log_z.data()};
  auto grad_query = cuda_on_host::poisoned<T>(problem.base.query.size());
  auto grad_item = cuda_on_host::poisoned<T>(problem.base.item_embedding.size());
  auto parts =
      cuda_on_host::poisoned<float>(static_cast<size_t>(pairs * plan.splits * input.width));
  const int64_t items = problem.base.cluster_offset.back();
  const auto threads = static_cast<unsigned>(device::kThreads);
  const auto shared = [&](int sum_rows) {
    return static_cast<size_t>(device::tile_layout(plan, sum_rows, sizeof(T)).bytes);
  };
  if (items > 0)
    cuda_on_host::launch(
        schedule, device::grad_item_kernel<T>, blocks(items / device::kItems + input.cluster_count),
        threads, shared(device::kItems), input, plan, buffers.workspace(), grad, grad_item.data());
  if (const int64_t units = groups::most_units(input, pairs, plan); units > 0)
    cuda_on_host::launch(schedule, device::grad_part_kernel<T>, blocks(units), threads,
                         shared(device::kQueries), input, plan, buffers.workspace(), grad,
                         parts.data());
  cuda_on_host::launch(schedule, device::grad_query_kernel<T>, blocks(input.query_count), threads,
                       0, input, plan, buffers.workspace(), grad,
                       static_cast<const float*>(parts.data()), grad_query.data());
  return {widened_values(log_prob), widened_values(log_z), widened_values(grad_query),
          widened_values(grad_item)};
}

LogSoftmaxResult run(const LogSoftmaxProblem& problem, Schedule schedule) {
  switch (problem.base.type) {
    case FloatType::kBFloat16:
      return run_as<BFloat16>(problem, schedule);
    case FloatType::kFloat16:
      return run_as<Float16>(problem, schedule);
    default:
      return run_as<float>(problem, schedule);
  }
}

void expect_near(const std::vector<double>& actual, const std::vector<double>& expected,
                 double tolerance, const char* name) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t at = 0; at < actual.size(); ++at) {
    if (std::isinf(expected[at]))
      ASSERT_EQ(actual[at], expected[at]) << name << "[" << at << "]";
    else
      ASSERT_NEAR(actual[at], expected[at], tolerance) << name << "[" << at << "]";
  }
}

// `scale` is the size of the scores, where that is not of order 1.
void expect_reference(const LogSoftmaxProblem& problem, Schedule schedule, double scale = 1.0) {
  const LogSoftmaxResult expected = reference(problem), actual = run(problem, schedule);
  expect_near(actual.log_z, expected.log_z, 2e-5 * scale, "log_z");
  expect_near(actual.log_prob, expected.log_prob, 2e-5 * scale, "log_prob");
  // The weights are rounded to the type before their products, the gradients after.
  double largest = 1;
  for (const std::vector<double>* values : {&expected.grad_query, &expected.grad_item})
    for (const double value : *values) largest = std::max(largest, std::abs(value));
  const double tolerance = 2e-5 * scale + 4 * rounding_of(problem.base.type) * largest;
  expect_near(actual.grad_query, expected.grad_query, tolerance, "grad_query");
  expect_near(actual.grad_item, expected.grad_item, tolerance, "grad_item");
}

class ClusterLogSoftmaxHostEmulated : public ::testing::TestWithParam<Schedule> {};

TEST_P(ClusterLogSoftmaxHostEmulated, EqualsReference) {
  const std::vector<std::vector<int64_t>> rows = {
      {0, 3}, {2}, {4, 3, 0, 2, 3}, {1}, {}, {3}, {3, 1}, {4}, {0}};
  for (const FloatType type : {FloatType::kFloat32, FloatType::kBFloat16, FloatType::kFloat16})
    for (const int64_t width : {8, 64, 200}) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(type) << " " << width);
      expect_reference(random_log_softmax(width, {7, 0, 1, 133, 12}, rows, type), GetParam());
    }
}

TEST_P(ClusterLogSoftmaxHostEmulated, RangesAndTilesOfEverySize) {
  const std::vector<int64_t> sizes = {31, 32, 33, 255, 256, 257, 300, 5};  // the last has no row
  std::vector<std::vector<int64_t>> rows;
  for (int64_t cluster = 0; cluster < 7; ++cluster) rows.push_back({cluster, 6 - cluster});
  expect_reference(random_log_softmax(24, sizes, rows, FloatType::kBFloat16), GetParam());
}

TEST_P(ClusterLogSoftmaxHostEmulated, ManyQueriesOfOneCluster) {
  std::vector<std::vector<int64_t>> rows(50, {1});
  rows[3] = {0, 1};
  rows[49] = {1, 0, 2};
  expect_reference(random_log_softmax(16, {5, 70, 3}, rows, FloatType::kFloat32), GetParam());
}

TEST_P(ClusterLogSoftmaxHostEmulated, LargeScoresDoNotOverflow) {
  const LogSoftmaxProblem problem =
      random_log_softmax(16, {90, 3}, {{0, 1}, {1}, {0}}, FloatType::kFloat32, 100.0);
  const LogSoftmaxResult expected = reference(problem), actual = run(problem, GetParam());
  expect_near(actual.log_z, expected.log_z, 2e-3, "log_z");
  expect_near(actual.grad_item, expected.grad_item, 2e-2, "grad_item");
}

// exp(0 - log_z) of the zeros that fill up a tile is infinite.
TEST_P(ClusterLogSoftmaxHostEmulated, FarBelowZeroTheTilesFillingHasNoWeight) {
  for (const FloatType type : {FloatType::kFloat32, FloatType::kFloat16}) {
    LogSoftmaxProblem problem = random_log_softmax(8, {40, 3}, {{0, 1}, {1}, {0}}, type);
    for (float& value : problem.base.query) value = -4;
    for (float& value : problem.base.item_embedding) value = rounded_to(type, 4 + value / 8);
    expect_reference(problem, GetParam(), 128);
  }
}

TEST_P(ClusterLogSoftmaxHostEmulated, NoPairs) {
  expect_reference(random_log_softmax(8, {5, 3}, {{}, {}}, FloatType::kFloat32), GetParam());
}

TEST_P(ClusterLogSoftmaxHostEmulated, NoItems) {
  expect_reference(random_log_softmax(8, {0, 0}, {{0, 1}, {}}, FloatType::kFloat32), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Schedules, ClusterLogSoftmaxHostEmulated,
                         ::testing::ValuesIn(cuda_on_host::kSchedules),
                         ::testing::PrintToStringParamName());

TEST(ClusterLogSoftmaxPlan, BoundsThePartialSums) {
  const Problem problem = random_problem(8, 0, {5, 7}, {{0}, {1}});
  const auto splits_of = [&](int64_t pairs) {
    return device::backward_plan(problem.input(), pairs).splits;
  };
  EXPECT_EQ(splits_of(0), groups::kMaxSplits);
  EXPECT_EQ(splits_of(device::kPartsAimedAt / 8), 8);
  EXPECT_EQ(splits_of(2 * device::kPartsAimedAt), 1);
}

}  // namespace
}  // namespace serendip
