// `cluster assign`: items that came after a tree was built, put into it without building it anew.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "clusters/cluster.h"
#include "clusters/previous_tree.h"

namespace serendip {

// Items of before keep their clusters. Each new one, the heaviest by traffic first, goes to the
// leaf (level-4 cluster) that most of its `neighbors` nearest items of before are in, by the sum of
// their cosines, among those whose planning cluster then stays below the upper bound; where there
// is none, to the leaf with the nearest mean of which that holds. There is always one: the lightest
// cluster has room for any item. The report: {"new_items", "gone_items", "bound_met",
// "max_over_avg", "min_over_avg" (of the planning level, today's traffic), "max_over_avg_later"
// (see cluster_dataset), "drift": see measure_drift}. Throws Error where the embeddings are missing
// or no item was there before.
ClusterResult assign_items(const ClusterOptions& options, const Dataset& dataset,
                           const PreviousTree& previous, const std::string& source);

// How the balance of the planning level wears off: the last later_share of all events in ten
// windows of as long a time, max/avg of the clusters' traffic in each, and the line through them
// (least squares). {"max_over_avg": [of windows with events], "per_day" (the line's slope), "limit"
// (options.drift_limit), "rebuild_due": the day, "2026-11-26", on which the line reaches the limit;
// null where it does not rise}.
nlohmann::json measure_drift(const ClusterOptions& options, const Dataset& dataset,
                             const TreeLevel& planning);

// From data.h5 and the earlier run's data.h5 and tree.h5 (options.previous) to tree.h5; returns the
// report.
nlohmann::json assign_to_tree(const ClusterOptions& options, const std::filesystem::path& data_h5,
                              const std::filesystem::path& tree_h5);

}  // namespace serendip
