// The forward kernel's own source, run on the CPU under every schedule.
#include <gtest/gtest.h>

#include "kernels/tree_attention_kernel.cuh"
#include "tests/kernels/tree_attention_problem.h"

namespace serendip {
namespace {

namespace device = tree_attention_device;
using cuda_on_host::Schedule;

template <typename T>
struct Outputs {
  std::vector<T> out;
  std::vector<float> log_sum_exp;
};

template <typename T>
Outputs<T> run(TreeAttentionProblem& problem, Schedule schedule) {
  const TreeAttentionInput input = problem.input();
  const kernels::TreeAttentionShape& shape = problem.shape;
  Outputs<T> outputs{
      cuda_on_host::poisoned<T>(problem.query_values()),
      cuda_on_host::poisoned<float>(static_cast<size_t>(problem.rows() * shape.heads))};
  const int64_t tiles =
      device::tiles_of(problem.rows() * (shape.heads / shape.key_value_heads), device::kSide);
  const int width = static_cast<int>(shape.head_dim);
  cuda_on_host::launch(
      schedule, device::tree_attention_kernel<T>,
      static_cast<unsigned>(tiles * shape.key_value_heads), static_cast<unsigned>(device::kThreads),
      static_cast<size_t>(device::tile_layout(device::forward_tile(), width, sizeof(T)).bytes),
      input, outputs.out.data(), outputs.log_sum_exp.data());
  return outputs;
}

template <typename T>
void expect_reference_as(TreeAttentionProblem& problem, Schedule schedule) {
  const TreeAttentionReference expected = tree_attention_reference(problem);
  const Outputs<T> actual = run<T>(problem, schedule);
  expect_near(actual.log_sum_exp, expected.log_sum_exp, "log_sum_exp");
  expect_near(actual.out, expected.out, "out");
}

void expect_reference(const TreeAttentionCase& chosen, Schedule schedule) {
  SCOPED_TRACE(chosen.name);
  TreeAttentionProblem problem =
      random_tree_problem(chosen.paths, chosen.key_rows, chosen.shape, chosen.type, chosen.options);
  if (chosen.type == FloatType::kFloat32) expect_reference_as<float>(problem, schedule);
  if (chosen.type == FloatType::kBFloat16) expect_reference_as<BFloat16>(problem, schedule);
  if (chosen.type == FloatType::kFloat16) expect_reference_as<Float16>(problem, schedule);
}

class TreeAttentionHostEmulated : public ::testing::TestWithParam<Schedule> {};

TEST_P(TreeAttentionHostEmulated, EqualsReference) {
  for (const TreeAttentionCase& chosen : tree_attention_cases())
    expect_reference(chosen, GetParam());
}

TEST_P(TreeAttentionHostEmulated, EqualsTheOtherSchedulesToTheBit) {
  TreeAttentionProblem problem =
      random_tree_problem(random_paths(50, 4, 12), 50, {4, 2, 24}, FloatType::kFloat32);
  const Outputs<float> expected = run<float>(problem, Schedule::kForward),
                       actual = run<float>(problem, GetParam());
  EXPECT_EQ(actual.out, expected.out);
  EXPECT_EQ(actual.log_sum_exp, expected.log_sum_exp);
}

__global__ void common_path_kernel(TreeAttentionInput input, int* begin_and_end) {
  DYNAMIC_SHARED(int, shared);
  const int group = static_cast<int>(input.shape.heads / input.shape.key_value_heads);
  const device::CommonPath common =
      device::common_path(input, device::QueryTile(0, input.rows, group), group, shared);
  begin_and_end[2 * threadIdx.x] = common.begin;
  begin_and_end[2 * threadIdx.x + 1] = common.end;
}

// Of the first tile, for all threads alike.
std::pair<int, int> common_path_of(const TreePathRows& paths, int64_t window, Schedule schedule) {
  TreeAttentionProblem problem =
      random_tree_problem(paths, 1000, {2, 1, 8}, FloatType::kFloat32, {.window = window});
  auto ends = cuda_on_host::poisoned<int>(2 * device::kThreads);
  cuda_on_host::launch(schedule, common_path_kernel, 1u, static_cast<unsigned>(device::kThreads),
                       device::kWarps * sizeof(int), problem.input(), ends.data());
  for (size_t at = 2; at < ends.size(); ++at) EXPECT_EQ(ends[at], ends[at % 2]);
  return {ends[0], ends[1]};
}

TEST_P(TreeAttentionHostEmulated, FindsTheLongestCommonPath) {
  const auto expect = [&](const TreePathRows& paths, int64_t window, int begin, int end) {
    EXPECT_EQ(common_path_of(paths, window, GetParam()), std::make_pair(begin, end));
  };
  expect({{0}}, 0, 0, 1);
  expect({{0}, {1}}, 0, 0, 0);
  expect({{7, 3, 1}, {7, 3, 2}, {7, 3, 2, 5}, {7, 3}}, 0, 0, 2);
  expect({{7, 3, 1}, {7, 3, 1, 2}, {7, 3, 1, 2, 5}}, 2, 1, 3);
  const TreePathRows chain = chain_paths(300);
  for (const int64_t difference : {0, 1, 31, 32, 100, 127, 128, 130, 255, 256, 298}) {
    TreePathRows paths(chain.end() - 8, chain.end());
    paths[6][static_cast<size_t>(difference)] = 999;
    expect(paths, 0, 0, static_cast<int>(std::min<int64_t>(difference, 293)));
  }
}

TEST_P(TreeAttentionHostEmulated, RowsDependOnTheOthersByRoundingAlone) {
  const TreePathRows paths = random_paths(40, 5, 12);
  TreeAttentionProblem all =
      random_tree_problem(paths, 40, {2, 1, 16}, FloatType::kFloat32, {.window = 9});
  const Outputs<float> together = run<float>(all, GetParam());
  for (size_t t = 0; t < paths.size(); t += 13) {
    TreeAttentionProblem alone =
        random_tree_problem({paths[t]}, 40, {2, 1, 16}, FloatType::kFloat32, {.window = 9});
    alone.key = all.key;
    alone.value = all.value;
    std::vector<float> query;
    for (size_t i = 0; i < 32; ++i) query.push_back(all.query[t * 32 + i]);
    alone.query = PackedFloats(query, FloatType::kFloat32);
    const Outputs<float> single = run<float>(alone, GetParam());
    for (size_t i = 0; i < 32; ++i)
      EXPECT_NEAR(single.out[i], together.out[t * 32 + i], 1e-6f) << t;
  }
}

INSTANTIATE_TEST_SUITE_P(Schedules, TreeAttentionHostEmulated,
                         ::testing::ValuesIn(cuda_on_host::kSchedules),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace serendip
