// The training loop of the two-tower baseline.
#pragma once

#include <functional>

#include "recsys/sequences.h"
#include "recsys/training_loop.h"
#include "recsys/two_tower.h"

namespace serendip {

struct TrainedTwoTower {
  TwoTowerModel model{nullptr};  // on the CPU, the weights of the best epoch
  TrainingResult result;
};

// One target for every training event but each user's first, as many a step as the sequence model
// has (batch_size rows of max_length), negative_count uniform items with them; otherwise the
// options mean what they mean there. Items are positions of `order`. Throws Error when the loss
// stops being finite and when no user has two training events.
TrainedTwoTower train_two_tower(const RecommendOptions& options, const ItemOrder& order,
                                const HeldOut& data,
                                const std::function<void(const EpochReport&)>& report);

}  // namespace serendip
