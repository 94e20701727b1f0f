// What an event would bring, whoever chose it.
#pragma once

#include <cstdint>
#include <vector>

#include "recsys/sequences.h"

namespace serendip {

// mean + item bias + user bias, each the mean of what is left, shrunk towards 0 by kShrinkage
// events (the baseline predictors of Koren 2010, by one pass), of the training events.
class RewardModel {
 public:
  static constexpr double kShrinkage = 10.0;

  // Throws Error where there are no training events.
  RewardModel(const HeldOut& data, int64_t item_count);

  double operator()(int64_t user, int64_t item) const {
    return mean_ + user_[static_cast<size_t>(user)] + item_[static_cast<size_t>(item)];
  }

 private:
  double mean_ = 0.0;
  std::vector<double> user_, item_;
};

}  // namespace serendip
