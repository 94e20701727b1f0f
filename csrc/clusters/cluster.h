// The `cluster` stage: item embeddings and traffic to the cluster tree.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/options.h"
#include "clusters/tree.h"
#include "data/dataset.h"

namespace serendip {

struct ClusterOptions {
  int64_t clusters_level_1 = 8;
  int64_t clusters = 64;
  int64_t fan_out_level_3 = 2;
  int64_t fan_out_level_4 = 2;
  int64_t neighbors = 16;
  double epsilon = 0.05;
  double epsilon_low = 0.5;
  double giant_share = 0.5;
  int64_t keywords = 3;
  double later_share = 0.1;
  std::string previous;
  double drift_limit = 1.5;
  int64_t seed = 1;

  void declare(OptionSet& set);  // section "cluster"
};

struct PreviousTree;

struct ClusterResult {
  ClusterTree tree;
  nlohmann::json report;
};

// The tree, and its report: {"levels": [{"level", "clusters", "giants", "bound_met",
// "max_over_avg", "min_over_avg", "max_over_avg_later", "cut", "conductance", "entropy", …}],
// "giants", "giant_items", "later_events"}. An item's traffic is its number of events by training
// users. max_over_avg_later is measured on events that the tree has not seen: those of the other
// users among the last later_share of all events by time. With a previous tree, clusters that match
// keep their numbers and descriptions (see number_like), and "kept" lists by level how many
// clusters and what share of the traffic did. `source` names the data in errors. The embedding is
// freed as soon as the graph is known: a dataset moved in needs no second copy of it.
ClusterResult cluster_dataset(const ClusterOptions& options, Dataset dataset,
                              const std::string& source, const PreviousTree* previous = nullptr);

// The same from data.h5 to tree.h5; returns the report.
nlohmann::json cluster_items(const ClusterOptions& options, const std::filesystem::path& data_h5,
                             const std::filesystem::path& tree_h5);

}  // namespace serendip
