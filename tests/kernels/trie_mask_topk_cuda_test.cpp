// The CUDA kernel's own source, run on the CPU under every schedule.
#include <gtest/gtest.h>

#include "kernels/trie_mask_topk_kernel.cuh"
#include "tests/kernels/trie_mask_topk_problem.h"

namespace serendip {
namespace {

namespace device = trie_mask_topk_device;
using cuda_on_host::Schedule;

template <typename T, int kVector>
void expect_reference(TrieMaskTopkProblem problem, Schedule schedule) {
  const auto places = static_cast<size_t>(problem.rows() * problem.k);
  TrieMaskTopkResult result{cuda_on_host::poisoned<int64_t>(places),
                            cuda_on_host::poisoned<float>(places),
                            cuda_on_host::poisoned<float>(static_cast<size_t>(problem.rows()))};
  const auto launch = [&](auto kernel) {
    cuda_on_host::launch(
        schedule, kernel, static_cast<unsigned>(problem.rows()),
        static_cast<unsigned>(device::kThreads), device::shared_bytes(), problem.input(),
        TrieMaskTopkOutput{result.child.data(), result.log_prob.data(), result.log_z.data()});
  };
  if (problem.k <= serendip::device::kLanes)
    launch(device::trie_mask_topk_kernel<T, kVector, 1>);
  else
    launch(device::trie_mask_topk_kernel<T, kVector, 8>);
  expect_trie_mask_topk(problem, result);
}

// 16 bytes at once, and value by value.
template <typename T>
void expect_reference_of(const TrieMaskTopkProblem& problem, Schedule schedule) {
  constexpr int kVector = 16 / sizeof(T);
  if (problem.vocabulary % kVector == 0) expect_reference<T, kVector>(problem, schedule);
  expect_reference<T, 1>(problem, schedule);
}

class TrieMaskTopkHostEmulated : public ::testing::TestWithParam<Schedule> {};

TEST_P(TrieMaskTopkHostEmulated, EqualsReference) {
  const auto problem = [](int64_t vocabulary, int64_t k, FloatType type) {
    return random_trie_problem(vocabulary, k, {1, 0, 33, 100, 64}, 2, type);
  };
  for (const int64_t vocabulary : {1003, 4096}) {
    expect_reference_of<float>(problem(vocabulary, 10, FloatType::kFloat32), GetParam());
    expect_reference_of<BFloat16>(problem(vocabulary, 10, FloatType::kBFloat16), GetParam());
    expect_reference_of<Float16>(problem(vocabulary, 10, FloatType::kFloat16), GetParam());
  }
  for (const int64_t k : {1, 70, 256})
    expect_reference_of<float>(problem(104, k, FloatType::kFloat32), GetParam());
}

TEST_P(TrieMaskTopkHostEmulated, MoreChildrenThanTheListHolds) {
  expect_reference_of<float>(random_trie_problem(400, 256, {400, 300}, 2, FloatType::kFloat32),
                             GetParam());
}

TEST_P(TrieMaskTopkHostEmulated, LargeLogitsDoNotOverflow) {
  expect_reference_of<float>(random_trie_problem(600, 5, {30, 2}, 1000, FloatType::kFloat32),
                             GetParam());
}

INSTANTIATE_TEST_SUITE_P(Schedules, TrieMaskTopkHostEmulated,
                         ::testing::ValuesIn(cuda_on_host::kSchedules),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace serendip
