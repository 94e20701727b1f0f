// The `curate` stage: events and tree to transitions and the sets drawn from them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/options.h"
#include "transitions/mine.h"

namespace serendip {

struct CurateOptions {
  int64_t context_size = 2;
  std::string novelty = "history";
  double positive_reward = 1.0;
  int64_t per_label = 10;
  int64_t seed = 1;
  int64_t memory = 1024;  // MiB

  void declare(OptionSet& set);  // section "curate"
  MiningRule rule() const;
};

// Writes folder/transitions.h5, sft_balanced.jsonl, sft_random.jsonl, dev.jsonl and test.jsonl.
// Returns {"transitions" (occurrences in training), "distinct", "balanced" (rows of each training
// set), "labels_short" and "labels_none" (labels with fewer than per_label contexts, and with
// none), "dev", "test" (occurrences), "train_users", "dev_users", "test_users"}. Reads the events
// as a stream: beside the tree it holds options.memory and some MiB, whatever their number. Throws
// Error when the tree and the dataset differ in items, or when no training user yields a
// transition.
nlohmann::json curate(const CurateOptions& options, const std::filesystem::path& data_h5,
                      const std::filesystem::path& tree_h5, const std::filesystem::path& folder);

// The same in pieces, on as many processes or machines as there are: curate_piece for the users of
// each piece, in any order and again where one was lost, then merge_pieces once. The files are
// those of curate() to the byte. The pieces' own lie in folder/curate.parts until the merge.
void curate_piece(const CurateOptions& options, const std::filesystem::path& data_h5,
                  const std::filesystem::path& tree_h5, const std::filesystem::path& folder,
                  int64_t piece, int64_t pieces);
nlohmann::json merge_pieces(const CurateOptions& options, const std::filesystem::path& tree_h5,
                            const std::filesystem::path& folder, int64_t pieces);

}  // namespace serendip
