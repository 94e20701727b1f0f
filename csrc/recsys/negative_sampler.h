// Negatives of sampled softmax: items drawn with replacement from a fixed distribution.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"

namespace serendip {

class NegativeSampler {
 public:
  // Items in proportion to `weight` [N], none negative, not all zero. Throws Error otherwise.
  explicit NegativeSampler(const std::vector<double>& weight);

  int64_t draw(Random& random) const;
  std::vector<int64_t> draw(Random& random, int64_t count) const;
  // [N] the probability of each item.
  std::vector<double> probability() const;

 private:
  std::vector<double> cumulative_;  // [N] of the weights
};

// [N] the log-uniform (Zipfian) distribution over items by falling `count`, ties by index:
// log((r + 2) / (r + 1)) / log(N + 1) for rank r, as TensorFlow's log_uniform_candidate_sampler.
std::vector<double> log_uniform_probability(const std::vector<int64_t>& count);

}  // namespace serendip
