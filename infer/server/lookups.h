// What the server tells of its table and its interests, as JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "infer/server/request.h"
#include "infer/server/snapshot.h"

namespace serendip::server {

// {"cluster", "description"}
nlohmann::ordered_json described_cluster(const Catalogue& catalogue, int32_t cluster);
// {"log_prob", "probability_low", "probability_high"}
nlohmann::ordered_json entry_probabilities(const TableEntry& entry);

// A row's best labels: {"version", "context", "interests"}. Throws Problem 404 for a context of
// another size than the table's, a cluster or a row that there is not.
nlohmann::ordered_json interests_answer(const Snapshot& snapshot, const InterestsRequest& request);

// {"version", "cluster", "description", "parent" (of level 1), "traffic", "items" (their number),
// "sample_items" (those with the most traffic)}. Throws Problem 404.
nlohmann::ordered_json cluster_answer(const Snapshot& snapshot, int32_t cluster);

// {"version", "clusters"}: all of them.
nlohmann::ordered_json clusters_answer(const Snapshot& snapshot);

}  // namespace serendip::server
