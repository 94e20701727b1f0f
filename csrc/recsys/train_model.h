// The training loop of the sequence model.
#pragma once

#include <cstdint>
#include <functional>

#include "recsys/sequence_model.h"
#include "recsys/sequences.h"
#include "recsys/train.h"

namespace serendip {

struct EpochReport {
  int64_t epoch;  // from 1
  double loss;    // mean over the epoch's steps, nats an item
  double validation_ndcg_at_10;
  double seconds;
};

struct TrainedModel {
  SequenceModel model{nullptr};  // on the CPU, the weights of the best epoch
  int64_t epochs = 0, best_epoch = 0;
  double validation_ndcg_at_10 = 0.0;
};

// AdamW on the options' loss until `patience` epochs bring no better validation NDCG@10.
// Calls `report` after each epoch. Throws Error when the loss stops being finite, when no user has
// two training events, or for rewards that the loss cannot use.
TrainedModel train_sequence_model(const RecommendOptions& options, const ItemOrder& order,
                                  const HeldOut& data,
                                  const std::function<void(const EpochReport&)>& report);

}  // namespace serendip
