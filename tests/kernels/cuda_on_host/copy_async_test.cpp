// Asynchronous copies: right pipelines pass under every schedule, wrong ones are found.
#include <gtest/gtest.h>

#include <cmath>
#include <iterator>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "tests/kernels/cuda_on_host.h"
#include "tests/kernels/cuda_on_host/testing.h"

namespace cuda_on_host {
namespace {

namespace device = serendip::device;

class CudaOnHostCopies : public ::testing::TestWithParam<Schedule> {};
INSTANTIATE_TEST_SUITE_P(Schedules, CudaOnHostCopies, ::testing::ValuesIn(kSchedules),
                         ::testing::PrintToStringParamName());

enum class Fault { kNone, kNoWait, kEarlyOverwrite, kNoCommit, kNeverWaited };

// Reverses each stage of blockDim.x · 4 floats; the copy of the next stage runs meanwhile.
template <Fault Wrong>
__global__ void pipeline_kernel(const float* input, float* output, int stages) {
  DYNAMIC_SHARED(float, buffer);  // [2, width]
  const unsigned width = 4 * blockDim.x, column = 4 * threadIdx.x;
  const auto copy = [&](int stage) {
    if (stage < stages)
      device::copy_async_16(buffer + static_cast<unsigned>(stage % 2) * width + column,
                            input + static_cast<unsigned>(stage) * width + column);
    if (Wrong != Fault::kNoCommit) device::copy_async_commit();
  };
  copy(0);
  for (int stage = 0; stage < stages; ++stage) {
    copy(stage + 1);
    if (Wrong != Fault::kNoWait) device::copy_async_wait<1>();
    __syncthreads();
    const float* held = buffer + static_cast<unsigned>(stage % 2) * width;
    for (unsigned place = column; place < column + 4; ++place)
      output[static_cast<unsigned>(stage) * width + place] = held[width - 1 - place];
    if (Wrong != Fault::kEarlyOverwrite) __syncthreads();
  }
  if (Wrong != Fault::kNeverWaited) device::copy_async_wait<0>();
}

template <Fault Wrong>
bool pipeline_is_right(Schedule schedule) {
  constexpr unsigned kThreads = 64, kWidth = 4 * kThreads;
  constexpr unsigned kStages =
      Wrong == Fault::kNoWait ? 2 : 5;  // the third takes the first's place
  struct alignas(16) Four {
    float values[4];
  };
  std::vector<Four> input(kThreads * kStages);
  float* first = input.front().values;
  for (unsigned place = 0; place < kWidth * kStages; ++place)
    first[place] = static_cast<float>(place);
  std::vector<float> output = poisoned<float>(kWidth * kStages);
  launch(schedule, pipeline_kernel<Wrong>, 1, kThreads, 2 * kWidth * kFloatBytes, first,
         output.data(), static_cast<int>(kStages));
  for (unsigned place = 0; place < kWidth * kStages; ++place)
    if (output[place] != first[place - place % kWidth + kWidth - 1 - place % kWidth]) return false;
  return true;
}

TEST_P(CudaOnHostCopies, PipelineOfCopiesIsRight) {
  EXPECT_TRUE(pipeline_is_right<Fault::kNone>(GetParam()));
}

TEST(CudaOnHostCopy, LateCopiesFindAMissingWait) {
  EXPECT_EQ(schedules_that_find(pipeline_is_right<Fault::kNoWait>),
            std::set<Schedule>{Schedule::kLateCopies});
}

// Each thread reads what the thread `step` further has copied; a barrier in the wrong place lies
// between the copy and its wait.
template <bool Barrier>
__global__ void neighbour_copy_kernel(const float* input, float* output, unsigned step) {
  DYNAMIC_SHARED(float, buffer);
  device::copy_async_16(buffer + 4 * threadIdx.x, input + 4 * threadIdx.x);
  device::copy_async_commit();
  __syncthreads();
  device::copy_async_wait<0>();
  if (Barrier) __syncthreads();
  output[threadIdx.x] = buffer[4 * ((threadIdx.x + step) % blockDim.x)];
}

template <bool Barrier>
bool neighbour_copy_is_right(Schedule schedule, unsigned step) {
  constexpr unsigned kThreads = 64;
  alignas(16) float input[4 * kThreads];
  std::iota(std::begin(input), std::end(input), 0.0f);
  std::vector<float> output = poisoned<float>(kThreads);
  launch(schedule, neighbour_copy_kernel<Barrier>, 1, kThreads, sizeof(input),
         static_cast<const float*>(input), output.data(), step);
  for (unsigned thread = 0; thread < kThreads; ++thread)
    if (output[thread] != static_cast<float>(4 * ((thread + step) % kThreads))) return false;
  return true;
}

TEST(CudaOnHostCopy, LateCopiesFindAMissingBarrierAfterTheWait) {
  for (const unsigned step : {1u, 63u}) {
    const auto with = [&](Schedule schedule) {
      return neighbour_copy_is_right<true>(schedule, step);
    };
    const auto without = [&](Schedule schedule) {
      return neighbour_copy_is_right<false>(schedule, step);
    };
    EXPECT_TRUE(schedules_that_find(with).empty());
    EXPECT_EQ(schedules_that_find(without), std::set<Schedule>{Schedule::kLateCopies});
  }
}

TEST(CudaOnHostCopy, FindsABufferOverwrittenTooEarly) {
  const auto found = schedules_that_find(pipeline_is_right<Fault::kEarlyOverwrite>);
  EXPECT_TRUE(found.contains(Schedule::kGreedyForward));
  EXPECT_TRUE(found.contains(Schedule::kGreedyReverse));
}

// Each thread copies 16 bytes twice and reads its own, having waited for all but `Pending` groups.
template <int Pending>
__global__ void two_groups_kernel(const float* input, float* output) {
  DYNAMIC_SHARED(float, buffer);
  device::copy_async_wait<0>();
  device::copy_async_commit();
  for (unsigned group = 0; group < 2; ++group) {
    const unsigned place = 4 * (2 * threadIdx.x + group);
    device::copy_async_16(buffer + place, input + place);
    device::copy_async_commit();
  }
  device::copy_async_wait<Pending>();
  for (unsigned place = 8 * threadIdx.x; place < 8 * threadIdx.x + 8; ++place)
    output[place] = buffer[place];
  device::copy_async_wait<0>();
}

template <int Pending>
std::vector<float> two_groups(Schedule schedule) {
  alignas(16) float input[8 * 32];
  std::iota(std::begin(input), std::end(input), 0.0f);
  std::vector<float> output = poisoned<float>(std::size(input));
  launch(schedule, two_groups_kernel<Pending>, 1, 32, sizeof(input),
         static_cast<const float*>(input), output.data());
  return output;
}

TEST(CudaOnHostCopy, LateGroupsLandInOrder) {
  const std::vector<float> none = two_groups<2>(Schedule::kLateCopies);
  const std::vector<float> one = two_groups<1>(Schedule::kLateCopies);
  const std::vector<float> both = two_groups<0>(Schedule::kLateCopies);
  for (size_t place = 0; place < both.size(); ++place) {
    EXPECT_TRUE(std::isnan(none[place]));
    EXPECT_EQ(std::isnan(one[place]), place % 8 >= 4);
    EXPECT_EQ(both[place], static_cast<float>(place));
  }
  EXPECT_EQ(two_groups<2>(Schedule::kForward), both);
}

__global__ void early_read_kernel(const float* input, float* output) {
  DYNAMIC_SHARED(float, buffer);
  for (unsigned place = 4 * threadIdx.x; place < 4 * threadIdx.x + 4; ++place) buffer[place] = -1;
  device::copy_async_16(buffer + 4 * threadIdx.x, input + 4 * threadIdx.x);
  device::copy_async_commit();
  output[threadIdx.x] = buffer[4 * threadIdx.x];
  device::copy_async_wait<0>();
}

TEST(CudaOnHostCopy, LateCopiesHideWhatWasThereBefore) {
  for (const Schedule schedule : kSchedules) {
    alignas(16) const float input[4 * 32] = {};
    std::vector<float> output = poisoned<float>(32);
    launch(schedule, early_read_kernel, 1, 32, sizeof(input), static_cast<const float*>(input),
           output.data());
    for (const float value : output) {
      if (schedule == Schedule::kLateCopies)
        EXPECT_TRUE(std::isnan(value));
      else
        EXPECT_EQ(value, 0.0f);
    }
  }
}

template <Fault Wrong>
__global__ void faulty_copy_kernel(const char* input, unsigned to, unsigned from, bool outside) {
  DYNAMIC_SHARED(char, buffer);
  alignas(16) char local[16];
  if (threadIdx.x == 3) device::copy_async_16(outside ? local : buffer + to, input + from);
  if (Wrong != Fault::kNoCommit) device::copy_async_commit();
  if (Wrong != Fault::kNeverWaited) device::copy_async_wait<0>();
}

__global__ void overlapping_copies_kernel(const char* input) {
  DYNAMIC_SHARED(char, buffer);
  for (int repeat = 0; repeat < 2; ++repeat) {
    device::copy_async_16(buffer, input);
    device::copy_async_commit();
    device::copy_async_wait<1>();
  }
  device::copy_async_wait<0>();
}

template <Fault Wrong>
std::string error_of_copy(Schedule schedule, unsigned to, unsigned from, bool outside) {
  alignas(16) const char input[48] = {};
  return error_of(schedule, faulty_copy_kernel<Wrong>, 1, 32, 32, static_cast<const char*>(input),
                  to, from, outside);
}

TEST_P(CudaOnHostCopies, MisusedCopiesThrow) {
  const Schedule schedule = GetParam();
  EXPECT_EQ(error_of_copy<Fault::kNone>(schedule, 16, 16, false), "");
  for (const std::string& error : {error_of_copy<Fault::kNeverWaited>(schedule, 0, 0, false),
                                   error_of_copy<Fault::kNoCommit>(schedule, 0, 0, false)}) {
    EXPECT_TRUE(contains(error, "thread 3: the copy is never waited for")) << error;
    EXPECT_TRUE(contains(error, "copy_async_test.cpp:")) << error;
  }
  const auto expect = [&](const std::string& part, unsigned to, unsigned from, bool outside) {
    const std::string error = error_of_copy<Fault::kNone>(schedule, to, from, outside);
    EXPECT_TRUE(contains(error, part)) << error;
  };
  expect("the destination is not aligned", 8, 0, false);
  expect("the origin is not aligned", 0, 4, false);
  expect("not in shared memory", 32, 0, false);
  expect("not in shared memory", 0, 0, true);
  alignas(16) const char input[16] = {};
  const std::string error =
      error_of(schedule, overlapping_copies_kernel, 1, 32, 16, static_cast<const char*>(input));
  EXPECT_TRUE(contains(error, "that of a copy not waited for")) << error;
}

}  // namespace
}  // namespace cuda_on_host
