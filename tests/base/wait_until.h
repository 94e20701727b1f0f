// Waits for what a test needs to have happened, in this process or another.
#pragma once

#include <chrono>
#include <thread>

namespace serendip {

// Asks again and again, for a minute at most. Returns whether it came true.
template <typename Condition>
bool wait_until(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace serendip
