// Launches of the shim that runs CUDA kernels on the CPU, and their shared memory. Its words have
// tests of their own in tests/kernels/cuda_on_host/.
#include "tests/kernels/cuda_on_host.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "tests/kernels/cuda_on_host/testing.h"

namespace cuda_on_host {
namespace {

using serendip::BFloat16;
using serendip::Float16;

class CudaOnHost : public ::testing::TestWithParam<Schedule> {};
INSTANTIATE_TEST_SUITE_P(Schedules, CudaOnHost, ::testing::ValuesIn(kSchedules),
                         ::testing::PrintToStringParamName());

__global__ void block_order_kernel(unsigned* order, int* next) {
  if (threadIdx.x == 0) order[atomicAdd(next, 1)] = blockIdx.x;
}

std::vector<unsigned> block_order(Schedule schedule) {
  std::vector<unsigned> order = poisoned<unsigned>(20);
  int next = 0;
  launch(schedule, block_order_kernel, 20, 32, 0, order.data(), &next);
  return order;
}

TEST(CudaOnHostLaunch, RunsBlocksInTheOrderOfTheSchedule) {
  std::vector<unsigned> ascending(20);
  std::iota(ascending.begin(), ascending.end(), 0u);
  const std::vector<unsigned> descending(ascending.rbegin(), ascending.rend());
  EXPECT_EQ(block_order(Schedule::kForward), ascending);
  EXPECT_EQ(block_order(Schedule::kGreedyForward), ascending);
  EXPECT_EQ(block_order(Schedule::kReverse), descending);
  EXPECT_EQ(block_order(Schedule::kGreedyReverse), descending);
  for (const Schedule schedule : {Schedule::kRandom, Schedule::kLateCopies}) {
    std::vector<unsigned> order = block_order(schedule);
    EXPECT_EQ(order, block_order(schedule));
    EXPECT_NE(order, ascending);
    EXPECT_NE(order, descending);
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, ascending);
  }
}

// Two rounds of 64 threads.
__global__ void thread_order_kernel(unsigned* order, int* next) {
  order[atomicAdd(next, 1)] = threadIdx.x;
  __syncthreads();
  order[atomicAdd(next, 1)] = threadIdx.x;
}

TEST(CudaOnHostLaunch, RunsThreadsInTheOrderOfTheSchedule) {
  std::vector<unsigned> ascending(64);
  std::iota(ascending.begin(), ascending.end(), 0u);
  const std::vector<unsigned> descending(ascending.rbegin(), ascending.rend());
  for (const Schedule schedule : kSchedules) {
    std::vector<unsigned> order = poisoned<unsigned>(128);
    int next = 0;
    launch(schedule, thread_order_kernel, 1, 64, 0, order.data(), &next);
    std::vector<unsigned> first(order.begin(), order.begin() + 64);
    std::vector<unsigned> second(order.begin() + 64, order.end());
    if (is_shuffled(schedule)) {
      EXPECT_NE(first, ascending);
      EXPECT_NE(first, second);
      std::sort(first.begin(), first.end());
      std::sort(second.begin(), second.end());
    }
    EXPECT_EQ(first, is_descending(schedule) ? descending : ascending) << schedule;
    EXPECT_EQ(second, is_descending(schedule) ? descending : ascending) << schedule;
  }
}

__global__ void nothing_kernel() {}
__global__ void launching_kernel() { launch(Schedule::kForward, nothing_kernel, 1, 32, 0); }

TEST(CudaOnHostLaunch, RefusesWhatAGpuRefuses) {
  for (const unsigned threads : {0u, 33u, 1056u})
    EXPECT_NE(error_of(Schedule::kForward, nothing_kernel, 1, threads, 0), "") << threads;
  EXPECT_NE(error_of(Schedule::kForward, nothing_kernel, 0, 32, 0), "");
  EXPECT_NE(error_of(Schedule::kForward, launching_kernel, 1, 32, 0), "");
  EXPECT_THROW(__syncthreads(), std::runtime_error);
}

TEST(CudaOnHostLaunch, SchedulesHaveNames) {
  std::set<std::string> names;
  for (const Schedule schedule : kSchedules) names.insert(::testing::PrintToString(schedule));
  EXPECT_EQ(names, (std::set<std::string>{"Forward", "Reverse", "Random", "GreedyForward",
                                          "GreedyReverse", "LateCopies"}));
}

TEST(CudaOnHostLaunch, PoisonIsNanAndMinusOne) {
  for (const float value : poisoned<float>(3)) EXPECT_TRUE(std::isnan(value));
  EXPECT_EQ(poisoned<int64_t>(2), (std::vector<int64_t>{-1, -1}));
  EXPECT_TRUE(poisoned<double>(0).empty());
}

// Shared memory.

template <typename T>
__global__ void read_first_kernel(float* output) {
  DYNAMIC_SHARED(T, buffer);
  output[blockIdx.x * blockDim.x + threadIdx.x] = serendip::to_float(buffer[threadIdx.x]);
  __syncthreads();
  buffer[threadIdx.x] = T{};
}

template <typename T>
void expect_poison(Schedule schedule) {
  std::vector<float> output(2 * 32, 0.0f);
  launch(schedule, read_first_kernel<T>, 2, 32, 32 * sizeof(T), output.data());
  for (const float value : output) EXPECT_TRUE(std::isnan(value));
}

TEST_P(CudaOnHost, SharedMemoryStartsAsNanInEveryBlock) {
  expect_poison<float>(GetParam());
  expect_poison<BFloat16>(GetParam());
  expect_poison<Float16>(GetParam());
}

__global__ void alignment_kernel(uint64_t* output) {
  DYNAMIC_SHARED(char, buffer);
  *output = reinterpret_cast<uintptr_t>(buffer) % 128;
}

TEST(CudaOnHostShared, IsAlignedForTiles) {
  for (const size_t bytes : {1, 17, 100, 1000}) {
    uint64_t rest = 1;
    launch(Schedule::kForward, alignment_kernel, 1, 32, bytes, &rest);
    EXPECT_EQ(rest, 0u);
  }
}

#if defined(__SANITIZE_ADDRESS__)
__global__ void overrun_kernel(unsigned elements) {
  DYNAMIC_SHARED(float, buffer);
  for (unsigned place = threadIdx.x; place <= elements; place += blockDim.x) buffer[place] = 0.0f;
}

TEST(CudaOnHostSharedDeathTest, OverrunIsFound) {
  for (const unsigned elements : {40u, 41u, 64u})
    EXPECT_DEATH(
        launch(Schedule::kForward, overrun_kernel, 1, 32, elements * kFloatBytes, elements),
        "heap-buffer-overflow");
}

__global__ void local_overrun_kernel(int* output, unsigned place) {
  int local[4] = {1, 2, 3, 4};
  __syncthreads();
  *output = *(const_cast<volatile int*>(local) + place);
}

TEST(CudaOnHostSharedDeathTest, OverrunOfALocalArrayIsFound) {
  int output = 0;
  launch(Schedule::kForward, local_overrun_kernel, 1, 64, 0, &output, 3u);
  EXPECT_EQ(output, 4);
  EXPECT_DEATH(launch(Schedule::kForward, local_overrun_kernel, 1, 64, 0, &output, 4u),
               "stack-buffer-overflow");
}
#endif

}  // namespace
}  // namespace cuda_on_host
