// The `curate` stage: events and tree to transitions and the sets drawn from them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/options.h"
#include "clusters/tree.h"
#include "data/dataset.h"
#include "transitions/mine.h"

namespace serendip {

struct CurateOptions {
  int64_t context_size = 2;
  std::string novelty = "history";
  double positive_reward = 1.0;
  int64_t per_label = 10;
  int64_t seed = 1;

  void declare(OptionSet& set);  // section "curate"
  MiningRule rule() const;
};

// Writes folder/transitions.h5, sft_balanced.jsonl, sft_random.jsonl, dev.jsonl and test.jsonl.
// Returns {"transitions" (occurrences in training), "distinct", "balanced" (rows of each training
// set), "labels_short" and "labels_none" (labels with fewer than per_label contexts, and with
// none), "dev", "test" (occurrences), "train_users", "dev_users", "test_users"}. Throws Error when
// the tree and the dataset differ in items, or when no training user yields a transition.
nlohmann::json curate_dataset(const CurateOptions& options, const Dataset& dataset,
                              const ClusterTree& tree, const std::filesystem::path& folder);

// The same from files.
nlohmann::json curate(const CurateOptions& options, const std::filesystem::path& data_h5,
                      const std::filesystem::path& tree_h5, const std::filesystem::path& folder);

}  // namespace serendip
