// Counter-based random numbers: a value depends on (seed, stream, counter) alone, so results do not
// depend on thread count, evaluation order or platform.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

namespace serendip {

// SplitMix64's finaliser (Steele, Lea, Flood 2014): a bijective mix of 64 bits.
inline uint64_t mix_bits(uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

// The value at `counter` of the stream (seed, stream); any order of access gives the same values.
inline uint64_t random_bits(uint64_t seed, uint64_t stream, uint64_t counter) {
  return mix_bits(mix_bits(mix_bits(seed) ^ stream) ^ counter);
}

// A sequential view of one stream.
class Random {
 public:
  explicit Random(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  uint64_t bits() { return random_bits(seed_, stream_, counter_++); }
  // Uniform in [0, 1), 53 bits.
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }
  // Uniform in [0, n), n > 0; unbiased by rejection.
  uint64_t below(uint64_t n) {
    const uint64_t limit = UINT64_MAX - UINT64_MAX % n;
    uint64_t x = bits();
    while (x >= limit) x = bits();
    return x % n;
  }
  // Standard normal by Box-Muller; one value a call, both uniforms fresh.
  double normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }
  template <typename T>
  void shuffle(std::vector<T>& values) {
    for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  uint64_t seed_, stream_, counter_ = 0;
};

}  // namespace serendip
