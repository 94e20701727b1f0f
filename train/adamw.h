// AdamW with decoupled weight decay (Loshchilov & Hutter 2019), as torch.optim.AdamW computes it,
// over buckets. Each process keeps the state of its slice of every bucket and updates that alone
// (Rajbhandari et al. 2020, stage 1). 16-bit weights are rounded from float32 ones kept here.
#pragma once

#include <string>
#include <vector>

#include "train/parameter_buckets.h"

namespace serendip {

class AdamW {
 public:
  // β = (0.9, 0.999), ε = 1e-8. `buckets` must live as long.
  AdamW(ParameterBuckets& buckets, double weight_decay);

  // One update of the weights from `scale` times the buckets' gradients, in every process.
  void step(double learning_rate, double scale = 1);

  // The whole state as plain tensors, independent of the number of processes, which all call this:
  // first and second moments and, of 16-bit weights, the float32 ones, as "exp_avg.", "exp_avg_sq."
  // and "master." names. The step count is the caller's.
  NamedTensors state() const;
  void load_state(const std::filesystem::path& file, int64_t steps);

 private:
  struct Slice {
    torch::Tensor master, exp_avg, exp_avg_sq;
  };
  // Fills `whole`, one flat tensor a kind and bucket, from every process's slices.
  NamedTensors empty_state(std::vector<std::vector<torch::Tensor>>& whole) const;
  std::vector<torch::Tensor> parts_of(const Slice& slice) const;

  ParameterBuckets& buckets_;
  std::vector<Slice> slices_;
  double weight_decay_;
  bool narrow_;  // the weights have 16 bits
  int64_t steps_ = 0;
};

// The factor that brings a gradient of this norm within `bound` (0: none), as
// torch.nn.utils.clip_grad_norm_ has it.
double clip_factor(double norm, double bound);

// Linear warm-up to `peak` over `warmup_steps`, then "constant", "linear" to 0 or "cosine" to 0 at
// `total_steps`. `step` counts from 0.
double scheduled_learning_rate(const std::string& schedule, double peak, int64_t step,
                               int64_t warmup_steps, int64_t total_steps);

}  // namespace serendip
