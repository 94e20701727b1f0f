// The optimiser of every trained policy.
#pragma once

#include <torch/nn/module.h>
#include <torch/optim/adamw.h>

#include <vector>

#include "recsys/row_adamw.h"
#include "recsys/train.h"

namespace serendip {

// AdamW with the options' rate, and their decay for matrices alone.
class Optimizer {
 public:
  // module: on its device; must outlive this
  // tables: those of its parameters whose gradients are sparse
  Optimizer(const RecommendOptions& options, torch::nn::Module& module,
            const std::vector<at::Tensor>& tables = {});

  void zero_grad() { module_.zero_grad(); }
  void step();

 private:
  torch::nn::Module& module_;
  torch::optim::AdamW dense_;
  std::vector<RowAdamW> tables_;
};

}  // namespace serendip
