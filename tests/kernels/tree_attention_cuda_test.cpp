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

TEST_P(TreeAttentionHostEmulated, RowsDependOnTheOthersByRoundingAlone) {
  const TreePathRows paths = random_paths(40, 5, 12);
  TreeAttentionProblem all =
      random_tree_problem(paths, 40, {2, 1, 16}, FloatType::kFloat32, {.window = 9});
  const Outputs<float> together = run<float>(all, GetParam());
  EXPECT_EQ(run<float>(all, GetParam()).out, together.out);
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
