// AdamW with decoupled weight decay (Loshchilov & Hutter 2019), as torch.optim.AdamW computes it,
// with a state that is written and read as plain tensors.
#pragma once

#include <string>
#include <vector>

#include "lm/named_tensors.h"

namespace serendip {

class AdamW {
 public:
  // Parameters keep their names in the saved state. β = (0.9, 0.999), ε = 1e-8.
  AdamW(NamedTensors parameters, double weight_decay);

  // One update from the parameters' gradients, which are then cleared. `clip_norm` bounds the
  // global gradient norm before it (0: no bound). Returns the norm before clipping.
  double step(double learning_rate, double clip_norm);

  // First and second moments, under "exp_avg." and "exp_avg_sq." names; the step count is the
  // caller's.
  NamedTensors state() const;
  void set_step_count(int64_t steps) { steps_ = steps; }

 private:
  NamedTensors parameters_;
  std::vector<torch::Tensor> exp_avg_, exp_avg_sq_;
  double weight_decay_;
  int64_t steps_ = 0;
};

// Linear warm-up to `peak` over `warmup_steps`, then "constant", "linear" to 0 or "cosine" to 0 at
// `total_steps`. `step` counts from 0.
double scheduled_learning_rate(const std::string& schedule, double peak, int64_t step,
                               int64_t warmup_steps, int64_t total_steps);

}  // namespace serendip
