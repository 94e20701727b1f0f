// The trained weights and their gradients as one flat bucket for each part of the network, so that
// a part's gradients are summed over processes in one message and each process updates one slice.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "distributed/process_group.h"
#include "train/gradients.h"

namespace serendip {

struct ParameterBucket {
  NamedTensors tensors;    // views of `weights`, the decoder's own
  torch::Tensor weights;   // flat, in the model's dtype, padded to a multiple of the processes
  torch::Tensor gradient;  // likewise, float32 for 16-bit weights
  PendingWork sum;         // over processes

  // Flat values under the tensors' names, each after `prefix`.
  NamedTensors named(const std::string& prefix, const torch::Tensor& flat) const;
};

class ParameterBuckets {
 public:
  // Moves the trained weights into buckets; `group` must live as long.
  ParameterBuckets(const TrainedTensors& trained, ProcessGroup& group);

  std::vector<ParameterBucket>& buckets() { return buckets_; }
  const std::vector<ParameterBucket>& buckets() const { return buckets_; }
  ProcessGroup& group() const { return group_; }
  // This process's part of a flat tensor.
  torch::Tensor slice(const torch::Tensor& flat) const;

  // Adds the gradients of one part; a step's last starts the sum over processes.
  void add(size_t part, const std::vector<torch::Tensor>& gradients, bool first, bool last);
  // Of a process without samples in this step.
  void add_nothing();
  // Waits for all sums. Returns the norm of the whole gradient.
  double finish();
  // After each process has changed its slices of the weights.
  void gather_weights();

 private:
  ProcessGroup& group_;
  std::vector<ParameterBucket> buckets_;
  std::vector<size_t> bucket_of_;  // part -> bucket
};

}  // namespace serendip
