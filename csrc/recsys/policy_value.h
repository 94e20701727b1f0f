// What a policy would earn, from a log, before anybody is shown what it recommends.
#pragma once

#include <cstdint>
#include <vector>

#include "recsys/off_policy.h"
#include "recsys/policy.h"
#include "recsys/recommend_inputs.h"
#include "recsys/recommender.h"
#include "recsys/reward_model.h"

namespace serendip {

// [N] the log-probability with which the policy, free to choose among the whole catalogue, shows
// each item first; -inf for those that it never does.
std::vector<double> log_probs(const Policy& policy, const History& history, int64_t item_count);

// The events behind the training part that follow another of their user, whatever the policy.
class LoggedPart {
 public:
  // The inputs must outlive it. Throws Error for a model without a behaviour head.
  LoggedPart(const Recommender& behaviour, const RecommendInputs& inputs);

  int64_t events() const { return static_cast<int64_t>(logged_.size()); }
  int64_t users() const;
  double mean_reward() const;
  // For estimate_off_policy(): with the policy's log-probability, that of the behaviour head, and
  // rewards as RewardModel sees them.
  std::vector<LoggedEvent> under(const Policy& policy) const;

 private:
  const RecommendInputs& inputs_;
  RewardModel reward_of_;
  std::vector<int64_t> event_;       // in the log
  std::vector<LoggedEvent> logged_;  // without what a policy adds
};

}  // namespace serendip
