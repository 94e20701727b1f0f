// Policies beside each other, on the same events of a log.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "recsys/policy.h"
#include "recsys/train.h"

namespace serendip {

struct ComparedPolicy {
  std::string name;
  std::filesystem::path folder;
  ClustersFor clusters = {};  // in which it is to search; without, it does as it likes
};

// An entry a policy, in their order, then popularity and chance: {"name", "ranking": whether the
// whole catalogue was ranked or a list looked at, the metrics of held_out_metrics() for the test
// events, "novel": hr_at_k, ndcg_at_k and mrr for those of them whose planning cluster is new to
// the user, and "ndcg_at_10_minus_first": the paired difference to the first policy with its 95%
// interval, over all and, in "novel", over those}.
nlohmann::json compare_policies(const RecommendOptions& options,
                                const std::filesystem::path& data_h5,
                                const std::filesystem::path& tree_h5,
                                const std::vector<ComparedPolicy>& policies);

// What each policy would have earned an event on the events behind the training part, estimated
// with the behaviour head of the recommender in `behaviour` as the propensity and a reward model of
// user and item biases: {"events", "users", "logged": the mean reward that was, "policies": an
// entry each, then popularity and chance: {"name", "importance", "self_normalised",
// "doubly_robust", each {"value", "low", "high"}, "effective_sample_size", "clipped_share",
// "largest_weight"}}. Throws Error where the recommender has no such head.
nlohmann::json value_policies(const RecommendOptions& options, const std::filesystem::path& data_h5,
                              const std::filesystem::path& tree_h5,
                              const std::filesystem::path& behaviour,
                              const std::vector<ComparedPolicy>& policies, double weight_cap);

}  // namespace serendip
