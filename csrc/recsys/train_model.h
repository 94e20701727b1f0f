// The training loop of the sequence model.
#pragma once

#include <cstdint>
#include <functional>

#include "recsys/sequence_model.h"
#include "recsys/sequences.h"
#include "recsys/train.h"
#include "recsys/training_loop.h"

namespace serendip {

struct TrainedModel {
  SequenceModel model{nullptr};  // on the CPU, the weights of the best epoch
  TrainingResult result;
};

// AdamW on the options' loss until `patience` epochs bring no better validation NDCG@10.
// Calls `report` after each epoch. Throws Error when the loss stops being finite, when no user has
// two training events, or for rewards that the loss cannot use.
TrainedModel train_sequence_model(const RecommendOptions& options, const ItemOrder& order,
                                  const HeldOut& data,
                                  const std::function<void(const EpochReport&)>& report);

}  // namespace serendip
