// The loss that a recipe asks for, over the places of a training step.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>

#include "recsys/item_order.h"
#include "recsys/losses.h"
#include "recsys/negative_sampler.h"
#include "recsys/sequence_model.h"
#include "recsys/sequences.h"
#include "recsys/train.h"

namespace serendip {

class TrainingLoss {
 public:
  // Throws Error for training rewards below 0 where the loss uses them.
  TrainingLoss(const RecommendOptions& options, const HeldOut& data, const ItemOrder& order);

  // A scalar with gradients, nats a place.
  //   state          [P, d], the model's own
  //   target         i64 [P, H], items to predict, -1 for none; each column weighs half of the one
  //                  before; at least one target; H is 1 for reinforce
  //   event          i64 [P], event read
  //   step           keys the negatives
  at::Tensor operator()(const SequenceModel& model, const at::Tensor& state,
                        const at::Tensor& target, const at::Tensor& event, uint64_t step) const;

 private:
  // next: the targets that follow their places at once
  at::Tensor sampled(const SequenceModel& model, const at::Tensor& state, const at::Tensor& target,
                     const at::Tensor& next, uint64_t step) const;
  at::Tensor reinforced(const SequenceModel& model, const at::Tensor& state,
                        const at::Tensor& target, const at::Tensor& reward) const;

  RecommendOptions options_;
  std::optional<NegativeSampler> sampler_;  // none where negatives are the batch's own targets
  at::Tensor log_probability_;              // [N] of the negatives' distribution
  at::Tensor reward_;                       // [E] with the boost
};

}  // namespace serendip
