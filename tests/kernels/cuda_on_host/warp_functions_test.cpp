// Shuffles, votes, partial masks, bit counts and atomics.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/kernels/cuda_on_host.h"
#include "tests/kernels/cuda_on_host/testing.h"

namespace cuda_on_host {
namespace {

class CudaOnHostWarp : public ::testing::TestWithParam<Schedule> {};
INSTANTIATE_TEST_SUITE_P(Schedules, CudaOnHostWarp, ::testing::ValuesIn(kSchedules),
                         ::testing::PrintToStringParamName());

__global__ void shuffle_kernel(int* output, int64_t* wide, double* real) {
  const int lane = static_cast<int>(threadIdx.x) % 32, value = static_cast<int>(threadIdx.x) + 100;
  int* row = output + threadIdx.x * 5;
  row[0] = __shfl_sync(kAllLanes, value, 7);
  row[1] = __shfl_sync(kAllLanes, value, lane + 33);
  row[2] = __shfl_xor_sync(kAllLanes, value, 5);
  row[3] = __shfl_up_sync(kAllLanes, value, 3);
  row[4] = __shfl_down_sync(kAllLanes, value, 3);
  wide[threadIdx.x] = __shfl_xor_sync(kAllLanes, int64_t{value} << 40, 1);
  real[threadIdx.x] = __shfl_sync(kAllLanes, -0.5 * value, 31);
}

TEST_P(CudaOnHostWarp, ShufflesGiveTheValuesOfTheirLanes) {
  constexpr int kThreads = 64;
  std::vector<int> output = poisoned<int>(kThreads * 5);
  std::vector<int64_t> wide = poisoned<int64_t>(kThreads);
  std::vector<double> real = poisoned<double>(kThreads);
  launch(GetParam(), shuffle_kernel, 1, kThreads, 0, output.data(), wide.data(), real.data());
  for (int thread = 0; thread < kThreads; ++thread) {
    const int lane = thread % 32, base = thread - lane + 100;
    const int* row = output.data() + thread * 5;
    EXPECT_EQ(row[0], base + 7);
    EXPECT_EQ(row[1], base + (lane + 1) % 32);
    EXPECT_EQ(row[2], base + (lane ^ 5));
    EXPECT_EQ(row[3], base + (lane < 3 ? lane : lane - 3));
    EXPECT_EQ(row[4], base + (lane > 28 ? lane : lane + 3));
    EXPECT_EQ(wide[static_cast<size_t>(thread)], int64_t{base + (lane ^ 1)} << 40);
    EXPECT_EQ(real[static_cast<size_t>(thread)], -0.5 * (base + 31));
  }
}

__global__ void vote_kernel(unsigned* ballots, int* votes) {
  const int lane = static_cast<int>(threadIdx.x);
  ballots[lane] = __ballot_sync(kAllLanes, lane % 3 == 0);
  int* row = votes + 4 * lane;
  row[0] = __any_sync(kAllLanes, lane == 31);
  row[1] = __any_sync(kAllLanes, lane == 32);
  row[2] = __all_sync(kAllLanes, lane < 32);
  row[3] = __all_sync(kAllLanes, lane != 9);
}

TEST_P(CudaOnHostWarp, VotesCountEveryLane) {
  std::vector<unsigned> ballots = poisoned<unsigned>(32);
  std::vector<int> votes = poisoned<int>(4 * 32);
  launch(GetParam(), vote_kernel, 1, 32, 0, ballots.data(), votes.data());
  for (size_t lane = 0; lane < 32; ++lane) {
    EXPECT_EQ(ballots[lane], 0x49249249u);
    EXPECT_EQ(std::vector<int>(votes.begin() + static_cast<int>(lane) * 4,
                               votes.begin() + static_cast<int>(lane) * 4 + 4),
              (std::vector<int>{1, 0, 1, 0}));
  }
}

// The lower half sums twice, the upper half once; then every third lane votes.
__global__ void partial_mask_kernel(int* sums, unsigned* ballots, float* outside) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const bool low = lane < 16;
  const unsigned half = low ? 0x0000ffffu : 0xffff0000u;
  int sum = lane;
  for (int repeat = 0; repeat < (low ? 2 : 1); ++repeat)
    for (int lanes = 8; lanes > 0; lanes /= 2) sum += __shfl_xor_sync(half, sum, lanes);
  sums[threadIdx.x] = sum;
  __syncwarp(half);
  outside[threadIdx.x] = __shfl_sync(half, 1.0f, 16);
  ballots[threadIdx.x] = 0;
  if (lane % 3 == 1) ballots[threadIdx.x] = __ballot_sync(0x92492492u, lane > 15);
  if (lane % 3 == 1) ballots[threadIdx.x] += __all_sync(0x92492492u, lane > 0);
}

TEST_P(CudaOnHostWarp, PartialMasksMeetAmongTheirLanes) {
  constexpr int kThreads = 64;
  std::vector<int> sums = poisoned<int>(kThreads);
  std::vector<unsigned> ballots = poisoned<unsigned>(kThreads);
  std::vector<float> outside = poisoned<float>(kThreads);
  launch(GetParam(), partial_mask_kernel, 1, kThreads, 0, sums.data(), ballots.data(),
         outside.data());
  for (size_t thread = 0; thread < kThreads; ++thread) {
    const size_t lane = thread % 32;
    EXPECT_EQ(sums[thread], lane < 16 ? 120 * 16 : 376);
    EXPECT_EQ(ballots[thread], lane % 3 == 1 ? 0x92490000u + 1 : 0u);
    EXPECT_EQ(std::isnan(outside[thread]), lane < 16);
  }
}

__global__ void returned_lane_kernel() {
  if (threadIdx.x == 5) return;
  __ballot_sync(kAllLanes, 1);
}

__global__ void absent_lane_kernel() {
  if (threadIdx.x == 5)
    __syncthreads();
  else
    __syncwarp();
}

__global__ void unnamed_lane_kernel() { __any_sync(0xfffffffeu, 1); }

__global__ void unlike_masks_kernel() { __all_sync(threadIdx.x < 4 ? 0x1fu : kAllLanes, 1); }

// On one line: their names alone differ.
__global__ void unlike_functions_kernel() {
  // clang-format off
  if (threadIdx.x < 4) __any_sync(kAllLanes, 1); else __all_sync(kAllLanes, 1);
  // clang-format on
}

TEST_P(CudaOnHostWarp, WarpFunctionsThrowWhereLanesDoNotMeet) {
  const std::string returned = error_of(GetParam(), returned_lane_kernel, 1, 32, 0);
  EXPECT_TRUE(contains(returned, "__ballot_sync")) << returned;
  EXPECT_TRUE(contains(returned, "returned: 0x00000020")) << returned;
  const std::string absent = error_of(GetParam(), absent_lane_kernel, 1, 32, 0);
  EXPECT_TRUE(contains(absent, "1 from thread 5: __syncthreads")) << absent;
  EXPECT_TRUE(contains(absent, "31 from thread 0: __syncwarp")) << absent;
  EXPECT_TRUE(contains(absent, "mask 0xffffffff")) << absent;
  const std::string unnamed = error_of(GetParam(), unnamed_lane_kernel, 1, 32, 0);
  EXPECT_TRUE(contains(unnamed, "thread 0: mask 0xfffffffe does not name")) << unnamed;
  const std::string unlike = error_of(GetParam(), unlike_masks_kernel, 1, 32, 0);
  EXPECT_TRUE(contains(unlike, "4 from thread 0: __all_sync")) << unlike;
  EXPECT_TRUE(contains(unlike, "mask 0x0000001f")) << unlike;
  const std::string functions = error_of(GetParam(), unlike_functions_kernel, 1, 32, 0);
  EXPECT_TRUE(contains(functions, "cannot complete")) << functions;
}

__global__ void bits_kernel(int* output) {
  output[0] = __popc(0xf0f1u);
  output[1] = __popc(kAllLanes);
  output[2] = __ffs(0);
  output[3] = __ffs(8);
  output[4] = __ffs(static_cast<int>(0x80000000u));
}

TEST(CudaOnHostBits, CountAsCuda) {
  std::vector<int> output = poisoned<int>(5);
  launch(Schedule::kForward, bits_kernel, 1, 32, 0, output.data());
  EXPECT_EQ(output, (std::vector<int>{9, 32, 0, 4, 32}));
}

__global__ void atomic_kernel(int* tickets, int* counter, unsigned* sum, unsigned long long* wide,
                              float* real) {
  tickets[blockIdx.x * blockDim.x + threadIdx.x] = atomicAdd(counter, 1);
  atomicAdd(sum, threadIdx.x);
  atomicAdd(wide, 1ull << 40);
  atomicAdd(real, 0.5f);
}

TEST_P(CudaOnHostWarp, AtomicsReturnWhatWasBefore) {
  constexpr unsigned kBlocks = 2, kThreads = 64;
  std::vector<int> tickets = poisoned<int>(kBlocks * kThreads);
  int counter = 0;
  unsigned sum = 0;
  unsigned long long wide = 0;
  float real = 0.0f;
  launch(GetParam(), atomic_kernel, kBlocks, kThreads, 0, tickets.data(), &counter, &sum, &wide,
         &real);
  std::sort(tickets.begin(), tickets.end());
  for (size_t place = 0; place < tickets.size(); ++place)
    EXPECT_EQ(tickets[place], static_cast<int>(place));
  EXPECT_EQ(counter, 128);
  EXPECT_EQ(sum, 2 * 63 * 32u);
  EXPECT_EQ(wide, 128ull << 40);
  EXPECT_EQ(real, 64.0f);
}

}  // namespace
}  // namespace cuda_on_host
