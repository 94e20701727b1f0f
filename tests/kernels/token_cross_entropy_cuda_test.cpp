// The CUDA kernel's own source, run on the CPU under every schedule.
#include <gtest/gtest.h>

#include "kernels/token_cross_entropy_kernel.cuh"
#include "tests/kernels/token_cross_entropy_problem.h"

namespace serendip {
namespace {

namespace device = token_cross_entropy_device;
using cuda_on_host::Schedule;

template <typename T, int kVector>
void expect_reference(TokenCrossEntropyProblem problem, Schedule schedule) {
  const TokenCrossEntropyProblem before = problem;
  auto loss = cuda_on_host::poisoned<float>(problem.target.size());
  cuda_on_host::launch(schedule, device::token_cross_entropy_kernel<T, kVector>,
                       static_cast<unsigned>(problem.rows()),
                       static_cast<unsigned>(device::kThreads), device::shared_bytes(),
                       problem.input(), loss.data());
  expect_token_cross_entropy(before, problem.logits, loss);
}

// 16 bytes at once, and value by value.
template <typename T>
void expect_reference_of(const TokenCrossEntropyProblem& problem, Schedule schedule) {
  constexpr int kVector = 16 / sizeof(T);
  if (problem.vocabulary % kVector == 0) expect_reference<T, kVector>(problem, schedule);
  expect_reference<T, 1>(problem, schedule);
}

class TokenCrossEntropyHostEmulated : public ::testing::TestWithParam<Schedule> {};

TEST_P(TokenCrossEntropyHostEmulated, EqualsReference) {
  for (const int64_t vocabulary : {1, 2, 31, 1003, 4096, 9000}) {
    SCOPED_TRACE(vocabulary);
    const std::vector<int64_t> targets = {1, 0, 7, 2};
    expect_reference_of<float>(random_token_problem(vocabulary, targets, 3, FloatType::kFloat32),
                               GetParam());
    expect_reference_of<BFloat16>(
        random_token_problem(vocabulary, targets, 3, FloatType::kBFloat16), GetParam());
    expect_reference_of<Float16>(random_token_problem(vocabulary, targets, 3, FloatType::kFloat16),
                                 GetParam());
  }
}

TEST_P(TokenCrossEntropyHostEmulated, LargeLogitsDoNotOverflow) {
  expect_reference_of<float>(random_token_problem(600, {3, 1}, 1000, FloatType::kFloat32),
                             GetParam());
}

TEST_P(TokenCrossEntropyHostEmulated, MoreTargetsThanThreads) {
  expect_reference_of<float>(
      random_token_problem(64, {device::kThreads + 40}, 1, FloatType::kFloat32), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Schedules, TokenCrossEntropyHostEmulated,
                         ::testing::ValuesIn(cuda_on_host::kSchedules),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace serendip
