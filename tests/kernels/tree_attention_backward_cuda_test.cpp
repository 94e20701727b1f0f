// The backward kernels' own source, run on the CPU under every schedule.
#include <gtest/gtest.h>

#include "kernels/tree_attention_backward_kernel.cuh"
#include "tests/kernels/tree_attention_problem.h"

namespace serendip {
namespace {

namespace device = tree_attention_device;
using cuda_on_host::Schedule;

template <typename T>
struct Gradients {
  std::vector<T> query, key, value;
};

template <typename T>
Gradients<T> run(TreeAttentionProblem& problem, const TreeAttentionReference& expected,
                 Schedule schedule, int64_t extra_parts) {
  PackedFloats out({expected.out.value.begin(), expected.out.value.end()}, problem.type());
  const std::vector<float> log_sum_exp(expected.log_sum_exp.value.begin(),
                                       expected.log_sum_exp.value.end());
  const KeyTiles key_tiles(problem);
  const TreeAttentionInput input = problem.input();
  const TreeAttentionBackwardInput grad{out.data(), problem.grad_out.data(), log_sum_exp.data(),
                                        key_tiles.view()};
  auto mean_grad =
      cuda_on_host::poisoned<float>(static_cast<size_t>(problem.rows() * problem.shape.heads));
  auto part_grad = cuda_on_host::poisoned<float>(
      static_cast<size_t>(device::part_grad_count(input, extra_parts)));
  const device::Workspace work{mean_grad.data(), part_grad.data(), extra_parts};
  Gradients<T> gradients{cuda_on_host::poisoned<T>(problem.query_values()),
                         cuda_on_host::poisoned<T>(problem.key_values()),
                         cuda_on_host::poisoned<T>(problem.key_values())};
  const auto launch = [&](auto kernel, int64_t blocks, size_t bytes, auto... outputs) {
    cuda_on_host::launch(schedule, kernel, static_cast<unsigned>(blocks),
                         static_cast<unsigned>(device::kThreads), bytes, input, grad, work,
                         outputs...);
  };
  const auto bytes = [&](const device::TileShape& shape) {
    const int width = static_cast<int>(problem.shape.head_dim);
    return static_cast<size_t>(device::tile_layout(shape, width, sizeof(T)).bytes);
  };
  const int64_t heads = problem.shape.key_value_heads;
  launch(device::tree_grad_query_kernel<T>,
         device::tiles_of(problem.rows() * (problem.shape.heads / heads), device::kSide) * heads,
         bytes(device::grad_query_tile()), gradients.query.data());
  launch(device::tree_grad_key_part_kernel<T>, device::most_parts(input, extra_parts) * heads,
         bytes(device::grad_key_tile()));
  launch(device::tree_grad_key_kernel<T>, problem.key_rows * heads, 0, gradients.key.data(),
         gradients.value.data());
  return gradients;
}

template <typename T>
void expect_reference_as(TreeAttentionProblem& problem, Schedule schedule, int64_t extra_parts) {
  const TreeAttentionReference expected = tree_attention_reference(problem);
  const Gradients<T> actual = run<T>(problem, expected, schedule, extra_parts);
  expect_near(actual.query, expected.grad_query, "grad_query");
  expect_near(actual.key, expected.grad_key, "grad_key");
  expect_near(actual.value, expected.grad_value, "grad_value");
}

void expect_reference(const TreeAttentionCase& chosen, Schedule schedule,
                      int64_t extra_parts = 30) {
  SCOPED_TRACE(chosen.name);
  TreeAttentionProblem problem =
      random_tree_problem(chosen.paths, chosen.key_rows, chosen.shape, chosen.type, chosen.options);
  if (chosen.type == FloatType::kFloat32)
    expect_reference_as<float>(problem, schedule, extra_parts);
  if (chosen.type == FloatType::kBFloat16)
    expect_reference_as<BFloat16>(problem, schedule, extra_parts);
  if (chosen.type == FloatType::kFloat16)
    expect_reference_as<Float16>(problem, schedule, extra_parts);
}

class TreeAttentionBackwardHostEmulated : public ::testing::TestWithParam<Schedule> {};

TEST_P(TreeAttentionBackwardHostEmulated, EqualsReference) {
  for (const TreeAttentionCase& chosen : tree_attention_cases())
    expect_reference(chosen, GetParam());
}

TEST_P(TreeAttentionBackwardHostEmulated, EqualsTheOtherSchedulesToTheBit) {
  TreeAttentionProblem problem =
      random_tree_problem(random_paths(50, 4, 12), 50, {4, 2, 24}, FloatType::kFloat32);
  const TreeAttentionReference reference = tree_attention_reference(problem);
  const Gradients<float> expected = run<float>(problem, reference, Schedule::kForward, 4),
                         actual = run<float>(problem, reference, GetParam(), 4);
  EXPECT_EQ(actual.query, expected.query);
  EXPECT_EQ(actual.key, expected.key);
  EXPECT_EQ(actual.value, expected.value);
}

// A tile's list one short of, at and one past a part's end, and in two parts.
TEST_P(TreeAttentionBackwardHostEmulated, PartsOfEverySize) {
  for (const int64_t samples : {62, 63, 64, 127}) {
    const int64_t rows = samples + 1;
    expect_reference({"parts", star_paths(1, samples, 1), rows, {1, 1, 8}}, GetParam());
  }
}

TEST_P(TreeAttentionBackwardHostEmulated, LongParts) {
  for (const int64_t extra_parts : {1, 2})
    expect_reference({"long parts", star_paths(1, 149, 1), 150, {1, 1, 8}}, GetParam(),
                     extra_parts);
}

INSTANTIATE_TEST_SUITE_P(Schedules, TreeAttentionBackwardHostEmulated,
                         ::testing::ValuesIn(cuda_on_host::kSchedules),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace serendip
