// Epochs until the validation stops getting better: the loop of every trained policy.
#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <functional>

#include "recsys/train.h"

namespace serendip {

struct EpochReport {
  int64_t epoch;  // from 1
  double loss;    // mean over the epoch's steps, nats an item
  double validation_ndcg_at_10;
  double seconds;
};

struct TrainingResult {
  int64_t epochs = 0, best_epoch = 0;
  double validation_ndcg_at_10 = 0.0;
};

// Runs epochs until `patience` of them bring no better validation, and leaves the module with the
// weights of the best. Throws Error when the loss stops being finite.
//   run_epoch   trains the epoch of that number, from 0, and returns its loss
//   validation  NDCG@10 of the module as it is
TrainingResult train_until_best(const RecommendOptions& options, torch::nn::Module& module,
                                const std::function<double(int64_t epoch)>& run_epoch,
                                const std::function<double()>& validation,
                                const std::function<void(const EpochReport&)>& report);

}  // namespace serendip
