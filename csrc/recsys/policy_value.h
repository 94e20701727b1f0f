// What a policy would earn, from a log, before anybody is shown what it recommends.
#pragma once

#include <vector>

#include "recsys/off_policy.h"
#include "recsys/policy.h"
#include "recsys/recommend_inputs.h"
#include "recsys/recommender.h"

namespace serendip {

// [N] the log-probability with which the policy, free to choose among the whole catalogue, shows
// each item first; -inf for those that it never does.
std::vector<double> log_probs(const Policy& policy, const History& history, int64_t item_count);

// The events behind the training part that follow another of their user, for
// estimate_off_policy(): the policy's log-probability, that of the behaviour head, and rewards as
// RewardModel sees them. Throws Error for a model without a behaviour head.
std::vector<LoggedEvent> logged_events(const Policy& policy, const Recommender& behaviour,
                                       const RecommendInputs& inputs);

}  // namespace serendip
