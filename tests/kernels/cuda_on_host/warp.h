// The threads of a warp, and how those that meet in a warp function exchange values.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/kernels/cuda_on_host/fiber.h"
#include "tests/kernels/cuda_on_host/pending_copies.h"
#include "tests/kernels/cuda_on_host/source.h"

namespace cuda_on_host {

constexpr unsigned kWarpSize = 32;

// What a lane gives to a warp function, and what it wants: the value of a lane, or all votes.
constexpr unsigned kVotes = kWarpSize;
struct Exchange {
  unsigned mask = 0;    // the lanes that take part
  uint64_t value = 0;   // a vote when not 0
  unsigned wanted = 0;  // a lane or kVotes
  uint64_t result = 0;
};

enum class State { kReady, kAtBarrier, kInWarpFunction, kReturned };

struct Thread {
  Fiber fiber;
  State state = State::kReady;
  bool started = false;
  Call call;          // what it waits in
  Exchange exchange;  // when that is a warp function
  PendingCopies copies;
};

inline std::string text_of_mask(unsigned mask) {
  char text[sizeof("0x01234567")];
  std::snprintf(text, sizeof(text), "0x%08x", mask);
  return text;
}

// Tells where threads wait: one line for each call and mask.
inline std::string text_of_waits(const std::vector<Thread>& threads) {
  std::string text;
  std::vector<bool> told(threads.size());
  for (size_t first = 0; first < threads.size(); ++first) {
    if (told[first]) continue;
    const Thread& like = threads[first];
    size_t count = 0;
    for (size_t other = first; other < threads.size(); ++other) {
      const Thread& thread = threads[other];
      if (thread.state != like.state) continue;
      if (like.state != State::kReturned && !(thread.call == like.call)) continue;
      if (like.state == State::kInWarpFunction && thread.exchange.mask != like.exchange.mask)
        continue;
      told[other] = true;
      ++count;
    }
    text += "\n  " + std::to_string(count) + " from thread " + std::to_string(first) + ": ";
    text += like.state == State::kReturned ? "returned" : text_of(like.call);
    if (like.state == State::kInWarpFunction) text += ", mask " + text_of_mask(like.exchange.mask);
  }
  return text;
}

class Warp {
 public:
  explicit Warp(Thread* threads) : threads_(threads) {}

  void restart() { waiting_ = returned_ = 0; }
  void wait(unsigned lane) { waiting_ |= 1u << lane; }
  void leave(unsigned lane) { returned_ |= 1u << lane; }

  // Completes the warp functions whose lanes have all arrived; false when there is none.
  bool release() {
    bool released = false;
    for (unsigned left = waiting_; left != 0;) {
      const Thread& first = lowest(left);
      const unsigned mask = first.exchange.mask;
      if (have_arrived(first)) {
        complete(mask);
        left &= ~mask;
        released = true;
      } else {
        left &= left - 1;
      }
    }
    return released;
  }

 private:
  Thread& lowest(unsigned lanes) const { return threads_[std::countr_zero(lanes)]; }

  bool have_arrived(const Thread& first) const {
    const unsigned mask = first.exchange.mask;
    if ((returned_ & mask) != 0)
      throw std::runtime_error(
          text_of(first.call) + ": mask " + text_of_mask(mask) +
          " names lanes that have returned: " + text_of_mask(returned_ & mask));
    if ((waiting_ & mask) != mask) return false;
    for (unsigned left = mask; left != 0; left &= left - 1) {
      const Thread& thread = lowest(left);
      if (thread.exchange.mask != mask || !(thread.call == first.call)) return false;
    }
    return true;
  }

  void complete(unsigned mask) {
    uint64_t values[kWarpSize + 1];
    std::fill(values, values + kWarpSize, ~uint64_t{0});
    values[kVotes] = 0;
    for (unsigned left = mask; left != 0; left &= left - 1) {
      const uint64_t value = lowest(left).exchange.value;
      values[std::countr_zero(left)] = value;
      if (value != 0) values[kVotes] |= left & -left;
    }
    for (unsigned left = mask; left != 0; left &= left - 1) {
      Thread& thread = lowest(left);
      thread.exchange.result = values[thread.exchange.wanted];
      thread.state = State::kReady;
    }
    waiting_ &= ~mask;
  }

  Thread* threads_;  // kWarpSize of them
  unsigned waiting_ = 0, returned_ = 0;
};

}  // namespace cuda_on_host
