// What the warps of several kernels do together, run on the CPU under every schedule.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/random.h"
#include "kernels/warp.cuh"

namespace serendip {
namespace {

using cuda_on_host::Schedule;
using device::BestList;
using device::kLanes;

struct Candidates {
  std::vector<float> score;
  std::vector<int> id;
};

// Their scores tie; every other one is wanted, in an order that is not theirs.
Candidates random_candidates(size_t count) {
  Random random(11, count);
  Candidates candidates;
  for (size_t i = 0; i < count; ++i) {
    candidates.score.push_back(static_cast<float>(random.below(20)) - 10);
    candidates.id.push_back(static_cast<int>(2 * i));
  }
  random.shuffle(candidates.id);
  return candidates;
}
bool is_wanted(int id) { return id % 4 == 0; }

template <int kSlots>
__global__ void best_kernel(const float* score, const int* id, int count, float* best_score,
                            int* best_id) {
  BestList<int, kSlots> best;
  best.clear();
  for (int begin = 0; begin < count; begin += kLanes) {
    const int at = begin + device::lane_of_thread();
    best.insert_where(is_wanted(id[at]), score[at], id[at]);
  }
  for (int place = 0; place < kSlots * kLanes; ++place) {
    best_score[place * kLanes + device::lane_of_thread()] = best.score_at(place);
    best_id[place * kLanes + device::lane_of_thread()] = best.id_at(place);
  }
}

template <int kSlots>
void expect_best(size_t count, Schedule schedule) {
  SCOPED_TRACE(testing::Message() << kSlots << " slots, " << count << " candidates");
  const Candidates candidates = random_candidates(count);
  constexpr size_t kPlaces = size_t{kSlots} * kLanes;
  auto score = cuda_on_host::poisoned<float>(kPlaces * kLanes);
  auto id = cuda_on_host::poisoned<int>(kPlaces * kLanes);
  cuda_on_host::launch(schedule, best_kernel<kSlots>, 1u, static_cast<unsigned>(kLanes), 0,
                       candidates.score.data(), candidates.id.data(), static_cast<int>(count),
                       score.data(), id.data());
  std::vector<std::pair<float, int>> expected;  // (-score, id): sorts best first, ties by id
  for (size_t i = 0; i < count; ++i)
    if (is_wanted(candidates.id[i])) expected.emplace_back(-candidates.score[i], candidates.id[i]);
  std::sort(expected.begin(), expected.end());
  expected.resize(kPlaces, {INFINITY, BestList<int, kSlots>::kNone});
  for (size_t at = 0; at < kPlaces * kLanes; ++at) {
    const auto [minus_score, expected_id] = expected[at / kLanes];
    ASSERT_EQ(score[at], -minus_score) << "place " << at / kLanes << ", lane " << at % kLanes;
    ASSERT_EQ(id[at], expected_id) << "place " << at / kLanes << ", lane " << at % kLanes;
  }
}

class WarpHostEmulated : public ::testing::TestWithParam<Schedule> {};

TEST_P(WarpHostEmulated, BestListHoldsTheBestInOrder) {
  for (const size_t count : {0, 32, 64, 160}) {
    expect_best<1>(count, GetParam());
    expect_best<2>(count, GetParam());
  }
}

INSTANTIATE_TEST_SUITE_P(Schedules, WarpHostEmulated, ::testing::ValuesIn(cuda_on_host::kSchedules),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace serendip
