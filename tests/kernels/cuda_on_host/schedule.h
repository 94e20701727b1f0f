// The orders in which the shim runs the threads and blocks of a launch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <utility>
#include <vector>

#include "base/random.h"

namespace cuda_on_host {

// Round-robin schedules run every thread to its next wait, then release what is complete:
//   kForward, kReverse   threads and blocks ascending, descending
//   kRandom              threads shuffled anew each round, blocks shuffled; the same each time
//   kLateCopies          as kRandom, and an asynchronous copy lands only when its thread waits for
//                        it; until then its destination holds 0xff bytes
// Greedy ones run one warp ahead to its block barrier before the next warp starts: they expose
// shared memory that is reused without a barrier, which round-robin orders miss.
//   kGreedyForward, kGreedyReverse   warps, their lanes and blocks ascending, descending
enum class Schedule { kForward, kReverse, kRandom, kGreedyForward, kGreedyReverse, kLateCopies };
inline constexpr Schedule kSchedules[] = {Schedule::kForward,       Schedule::kReverse,
                                          Schedule::kRandom,        Schedule::kGreedyForward,
                                          Schedule::kGreedyReverse, Schedule::kLateCopies};

inline const char* name_of(Schedule schedule) {
  switch (schedule) {
    case Schedule::kForward:
      return "Forward";
    case Schedule::kReverse:
      return "Reverse";
    case Schedule::kRandom:
      return "Random";
    case Schedule::kGreedyForward:
      return "GreedyForward";
    case Schedule::kGreedyReverse:
      return "GreedyReverse";
    case Schedule::kLateCopies:
      return "LateCopies";
  }
  return "Unknown";
}

// With it GoogleTest's PrintToStringParamName() names the instances of a parameterised test.
inline std::ostream& operator<<(std::ostream& stream, Schedule schedule) {
  return stream << name_of(schedule);
}

inline bool is_greedy(Schedule schedule) {
  return schedule == Schedule::kGreedyForward || schedule == Schedule::kGreedyReverse;
}
inline bool is_descending(Schedule schedule) {
  return schedule == Schedule::kReverse || schedule == Schedule::kGreedyReverse;
}
inline bool is_shuffled(Schedule schedule) {
  return schedule == Schedule::kRandom || schedule == Schedule::kLateCopies;
}

// A sequence of permutations; a stream has its own.
class Shuffler {
 public:
  explicit Shuffler(uint64_t stream) : stream_(stream) {}
  // Cheaper than serendip::Random::shuffle, and unbiased enough: it runs once a round.
  template <typename T>
  void shuffle(std::vector<T>& values) {
    constexpr uint64_t kSeed = 1;
    for (uint64_t left = values.size(); left > 1; --left) {
      const uint64_t bits = serendip::random_bits(kSeed, stream_, counter_++) >> 32;
      std::swap(values[left - 1], values[bits * left >> 32]);
    }
  }

 private:
  uint64_t stream_, counter_ = 0;
};

// 0 … count - 1, ascending or descending; shuffled schedules shuffle it from there.
template <typename T>
std::vector<T> first_order(Schedule schedule, T count) {
  std::vector<T> order(count);
  for (T place = 0; place < count; ++place)
    order[place] = is_descending(schedule) ? count - 1 - place : place;
  return order;
}

}  // namespace cuda_on_host
