// Novel transitions from the events of users.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <unordered_set>
#include <vector>

#include "data/dataset.h"
#include "data/split.h"
#include "data/user_events.h"
#include "transitions/counting.h"
#include "transitions/held_out_rows.h"
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

// The context of a user after all events: the K most recent distinct clusters of the positive ones,
// oldest first; empty where there are fewer.
std::vector<int32_t> latest_context(std::span<const int32_t> cluster, std::span<const float> reward,
                                    const MiningRule& rule);

// What is not novel to a user with events of these clusters and that context.
std::unordered_set<int32_t> known_clusters(std::span<const int32_t> cluster,
                                           std::span<const int32_t> context, Novelty novelty);

// Every context that a user had at some time: the K most recent distinct clusters of the positive
// events so far, oldest first. [R, K], in no order, equal ones often.
std::vector<int32_t> observed_contexts(const Dataset& dataset,
                                       const std::vector<int32_t>& item_cluster,
                                       const MiningRule& rule);

// The training users' transitions of a log that fits the memory: distinct, ascending by context
// then label, with their counts.
TransitionSet mine_training_users(const Dataset& dataset, const std::vector<int32_t>& item_cluster,
                                  int64_t clusters, const MiningRule& rule);

// What the users of some range did.
struct MinedTransitions {
  std::unique_ptr<TransitionCounter> train;
  HeldOutRows dev, test;
  int64_t occurrences = 0;                   // in training
  std::array<int64_t, 3> users = {0, 0, 0};  // by Split
};

// Mines all users that `events` yields; item_cluster in [0, clusters). Threads share the users.
// `memory` (bytes) and `folder` are the counter's. Throws Error where the reader and item_cluster
// differ in items.
MinedTransitions mine_transitions(UserEventReader& events, const std::vector<int32_t>& item_cluster,
                                  int64_t clusters, const MiningRule& rule, int64_t memory,
                                  const std::filesystem::path& folder);

}  // namespace serendip
