// The optimiser of every trained policy.
#pragma once

#include <torch/nn/module.h>
#include <torch/optim/adamw.h>

#include <cstdint>
#include <vector>

#include "recsys/row_adamw.h"
#include "recsys/train.h"

namespace serendip {

// AdamW with the options' decay for matrices alone, and their rate, to which that of all but the
// sparse tables rises in the first 100 steps: blocks with norms after their residuals, six of them
// and more, otherwise fall back to popularity for good.
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
  double learning_rate_;
  int64_t steps_ = 0;
  torch::optim::AdamW dense_;
  std::vector<RowAdamW> tables_;
};

}  // namespace serendip
