// Novel transitions from the events of users.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/dataset.h"
#include "data/split.h"
#include "transitions/transitions.h"

namespace serendip {

enum class Novelty {
  kHistory,  // the label's cluster is in none of the user's earlier events
  kContext,  // it is not in the context
};

struct MiningRule {
  int64_t context_size = 2;  // K
  Novelty novelty = Novelty::kHistory;
  float positive_reward = 1.0f;  // an event is positive at this reward and above
};

// The transitions of one user, appended to `context` (K clusters each) and `label`. At an event
// whose cluster is novel and whose reward is positive, with K distinct clusters or more among the
// user's earlier positive events: (the K most recent of those by last occurrence, oldest first) ->
// the event's cluster. cluster and reward are the user's events in order of time, then of input.
void mine_user(std::span<const int32_t> cluster, std::span<const float> reward,
               const MiningRule& rule, std::vector<int32_t>& context, std::vector<int32_t>& label);

// Distinct transitions of the training users among [user_begin, user_end), ascending by context
// then label, with their counts. Ranges may be mined apart, on any number of threads or machines,
// and joined by merge_counts: the result is that of one pass.
TransitionSet mine_training_users(const Dataset& dataset, const std::vector<int32_t>& item_cluster,
                                  const MiningRule& rule, int64_t user_begin, int64_t user_end);

// The sum of sets, ascending and distinct. All must have the same context size; at least one set.
TransitionSet merge_counts(const std::vector<TransitionSet>& sets);

// Transitions of the users of `split`, one row an occurrence, in order of user and time.
UserTransitions mine_users(const Dataset& dataset, const std::vector<int32_t>& item_cluster,
                           const MiningRule& rule, Split split);

// The context of a user after all events: the K most recent distinct clusters of the positive ones,
// oldest first; empty where there are fewer.
std::vector<int32_t> latest_context(std::span<const int32_t> cluster, std::span<const float> reward,
                                    const MiningRule& rule);

// Every context that a user had at some time: the K most recent distinct clusters of the positive
// events so far, oldest first. [R, K], in no order, equal ones often.
std::vector<int32_t> observed_contexts(const Dataset& dataset,
                                       const std::vector<int32_t>& item_cluster,
                                       const MiningRule& rule);

// Everything: training users counted, the others row by row. Threads share the users.
Transitions mine_transitions(const Dataset& dataset, const std::vector<int32_t>& item_cluster,
                             const MiningRule& rule);

}  // namespace serendip
