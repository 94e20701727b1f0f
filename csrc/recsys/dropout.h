// Dropout whose mask depends on (seed, step, call) alone, not on the number of threads.
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace serendip {

class Dropout {
 public:
  // Drops nothing.
  Dropout() = default;
  // Drops each value with `probability` in [0, 1).
  Dropout(double probability, uint64_t seed) : probability_(probability), seed_(seed) {}

  // Starts the masks of one optimiser step.
  void begin_step(uint64_t step);
  // `values` with dropped ones zero and the rest scaled by 1 / (1 - probability), any shape.
  at::Tensor operator()(const at::Tensor& values);

 private:
  double probability_ = 0.0;
  uint64_t seed_ = 0, step_ = 0, call_ = 0;
};

}  // namespace serendip
