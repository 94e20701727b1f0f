// The CUDA kernel's own source, run on the CPU under every schedule.
#include <gtest/gtest.h>

#include "kernels/cluster_softmax_topk_kernel.cuh"
#include "tests/kernels/cluster_softmax_topk_problem.h"

namespace serendip {
namespace {

namespace device = cluster_softmax_topk_device;

Result run(const Problem& problem, cuda_on_host::Schedule schedule) {
  const auto rows = problem.row_offset.size() - 1;
  Result result;
  result.ids.assign(rows * static_cast<size_t>(problem.k), -7);
  result.log_prob.assign(result.ids.size(), -7.0f);
  result.log_z.assign(rows, -7.0f);
  cuda_on_host::launch(
      schedule, device::cluster_softmax_topk_kernel, static_cast<unsigned>(rows),
      static_cast<unsigned>(device::kWarps * device::kWarpSize),
      device::shared_bytes_of(problem.width, problem.k), problem.input(),
      ClusterSoftmaxTopkOutput{result.ids.data(), result.log_prob.data(), result.log_z.data()});
  return result;
}

class ClusterSoftmaxTopkHostEmulated : public ::testing::TestWithParam<cuda_on_host::Schedule> {};

TEST_P(ClusterSoftmaxTopkHostEmulated, EqualsReference) {
  for (const int64_t width : {1, 13, 64})
    for (const int64_t k : {1, 5, 40}) {
      const Problem problem = random_problem(width, k, {7, 0, 1, 33, 12},
                                             {{0, 3}, {2}, {4, 3, 0, 2, 3}, {1}, {}, {3}, {3, 1}});
      expect_reference(problem, run(problem, GetParam()));
    }
}

TEST_P(ClusterSoftmaxTopkHostEmulated, LargeScoresDoNotOverflow) {
  const Problem problem = random_problem(32, 5, {50, 20}, {{0, 1}, {1}}, 1000.0);
  expect_reference(problem, run(problem, GetParam()), 3e4);
}

TEST_P(ClusterSoftmaxTopkHostEmulated, TiesGoToTheLowerItem) {
  Problem problem;
  problem.width = 1;
  problem.k = 12;
  problem.cluster_offset = {0, 10, 40};
  problem.item_embedding.assign(40, 1.0f);
  problem.item_embedding[17] = 2.0f;
  problem.query = {1.0f};
  problem.add_row({1, 0});
  EXPECT_EQ(run(problem, GetParam()).ids,
            (std::vector<int64_t>{17, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

INSTANTIATE_TEST_SUITE_P(Schedules, ClusterSoftmaxTopkHostEmulated,
                         ::testing::ValuesIn(cuda_on_host::kSchedules));

}  // namespace
}  // namespace serendip
