// Barriers of a block: right kernels pass under every schedule, wrong ones are found.
#include <gtest/gtest.h>

#include <iterator>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/kernels/cuda_on_host.h"
#include "tests/kernels/cuda_on_host/testing.h"

namespace cuda_on_host {
namespace {

class CudaOnHostBarriers : public ::testing::TestWithParam<Schedule> {};
INSTANTIATE_TEST_SUITE_P(Schedules, CudaOnHostBarriers, ::testing::ValuesIn(kSchedules),
                         ::testing::PrintToStringParamName());

__device__ float warp_sum(float value) {
  for (int lanes = 16; lanes > 0; lanes /= 2) value += __shfl_xor_sync(kAllLanes, value, lanes);
  return value;
}

template <bool Barrier>
__device__ float block_sum(float value, float* buffer) {
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  value = warp_sum(value);
  if (lane == 0) buffer[warp] = value;
  if (Barrier) __syncthreads();
  return warp_sum(lane < blockDim.x / 32 ? buffer[lane] : 0.0f);
}

template <bool Barrier>
__global__ void __launch_bounds__(1024) sum_kernel(const float* input, float* output) {
  DYNAMIC_SHARED(float, buffer);
  const unsigned place = blockIdx.x * blockDim.x + threadIdx.x;
  output[place] = block_sum<Barrier>(input[place], buffer);
}

template <bool Barrier>
bool sums_are_right(Schedule schedule, unsigned threads) {
  constexpr unsigned kBlocks = 3;
  std::vector<float> input(kBlocks * threads), output = poisoned<float>(input.size());
  std::iota(input.begin(), input.end(), -7.0f);
  launch(schedule, sum_kernel<Barrier>, kBlocks, threads, threads / 32 * kFloatBytes, input.data(),
         output.data());
  for (unsigned block = 0; block < kBlocks; ++block) {
    const auto first = input.begin() + block * threads;
    const float sum = std::accumulate(first, first + threads, 0.0f);
    for (unsigned thread = 0; thread < threads; ++thread)
      if (output[block * threads + thread] != sum) return false;
  }
  return true;
}

TEST_P(CudaOnHostBarriers, SumOfABlockIsRight) {
  for (const unsigned threads : {32u, 96u, 1024u})
    EXPECT_TRUE(sums_are_right<true>(GetParam(), threads)) << threads << " threads";
}

TEST(CudaOnHostMissingBarrier, EveryScheduleFindsOneOfAReduction) {
  const auto found =
      schedules_that_find([](Schedule schedule) { return sums_are_right<false>(schedule, 128); });
  EXPECT_EQ(found.size(), std::size(kSchedules));
}

template <bool Barrier>
__global__ void two_sums_kernel(float* output) {
  DYNAMIC_SHARED(float, buffer);
  const float one = block_sum<true>(1.0f, buffer);
  if (Barrier) __syncthreads();
  const float two = block_sum<true>(2.0f, buffer);
  output[2 * threadIdx.x] = one;
  output[2 * threadIdx.x + 1] = two;
}

template <bool Barrier>
bool two_sums_are_right(Schedule schedule) {
  constexpr unsigned kThreads = 128;
  std::vector<float> output = poisoned<float>(2 * kThreads);
  launch(schedule, two_sums_kernel<Barrier>, 1, kThreads, 32 * kFloatBytes, output.data());
  for (unsigned thread = 0; thread < kThreads; ++thread)
    if (output[2 * thread] != kThreads || output[2 * thread + 1] != 2 * kThreads) return false;
  return true;
}

TEST(CudaOnHostMissingBarrier, GreedySchedulesFindABufferReused) {
  EXPECT_TRUE(schedules_that_find(two_sums_are_right<true>).empty());
  EXPECT_EQ(schedules_that_find(two_sums_are_right<false>),
            (std::set<Schedule>{Schedule::kGreedyForward, Schedule::kGreedyReverse}));
}

template <bool Barrier>
__global__ void neighbour_kernel(int* output) {
  DYNAMIC_SHARED(int, buffer);
  buffer[threadIdx.x] = static_cast<int>(threadIdx.x);
  if (Barrier) __syncwarp();
  output[threadIdx.x] = buffer[threadIdx.x ^ 1u];
}

template <bool Barrier>
bool neighbours_are_right(Schedule schedule) {
  std::vector<int> output = poisoned<int>(32);
  launch(schedule, neighbour_kernel<Barrier>, 1, 32, 32 * sizeof(int), output.data());
  for (int lane = 0; lane < 32; ++lane)
    if (output[static_cast<size_t>(lane)] != (lane ^ 1)) return false;
  return true;
}

TEST(CudaOnHostMissingBarrier, EveryScheduleFindsOneOfAWarp) {
  EXPECT_TRUE(schedules_that_find(neighbours_are_right<true>).empty());
  EXPECT_EQ(schedules_that_find(neighbours_are_right<false>).size(), std::size(kSchedules));
}

constexpr int kLineOfFew = __LINE__ + 2;
__global__ void few_threads_wait_kernel() {
  if (threadIdx.x < 40) __syncthreads();
}

constexpr int kLineOfOneBranch = __LINE__ + 3;
__global__ void branches_wait_kernel(int* output) {
  if (threadIdx.x < 40) {
    __syncthreads();
  } else {
    *output = 1;
    __syncthreads();
  }
}

std::string line_text(int line) { return "barriers_test.cpp:" + std::to_string(line) + ")"; }

TEST_P(CudaOnHostBarriers, BarrierInDivergentCodeThrows) {
  const std::string few = error_of(GetParam(), few_threads_wait_kernel, 1, 64, 0);
  EXPECT_TRUE(contains(few, "40 from thread 0: __syncthreads")) << few;
  EXPECT_TRUE(contains(few, line_text(kLineOfFew))) << few;
  EXPECT_TRUE(contains(few, "24 from thread 40: returned")) << few;

  int output = 0;
  const std::string branches = error_of(GetParam(), branches_wait_kernel, 1, 64, 0, &output);
  EXPECT_TRUE(contains(branches, "different barriers")) << branches;
  EXPECT_TRUE(contains(branches, line_text(kLineOfOneBranch))) << branches;
  EXPECT_TRUE(contains(branches, line_text(kLineOfOneBranch + 3))) << branches;
}

TEST_P(CudaOnHostBarriers, LaunchesAgainAfterAnError) {
  for (int repeat = 0; repeat < 3; ++repeat) {
    EXPECT_NE(error_of(GetParam(), few_threads_wait_kernel, 1, 1024, 0), "");
    EXPECT_TRUE(sums_are_right<true>(GetParam(), 1024));
  }
}

__global__ void throwing_kernel() {
  if (threadIdx.x == 33) throw std::out_of_range("from the kernel");
  __syncthreads();
}

TEST_P(CudaOnHostBarriers, ThrowsWhatAThreadThrows) {
  EXPECT_THROW(launch(GetParam(), throwing_kernel, 2, 64, 0), std::out_of_range);
}

}  // namespace
}  // namespace cuda_on_host
