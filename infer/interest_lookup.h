// From a user's history to their next novel interests, by the pair table.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/random.h"
#include "clusters/tree.h"
#include "infer/pair_table.h"
#include "recsys/history.h"
#include "transitions/mine.h"

namespace serendip {

struct TableLabel {
  int32_t label;
  size_t entry;  // in the table's arrays
  bool known;    // not novel to the user, by the rule
};

struct InterestRow {
  std::vector<int32_t> context;    // the user's latest; empty where there is none yet
  std::vector<TableLabel> labels;  // of the context's row, best first; none where it has no row
};

// Of planning clusters. The tree must outlive it.
class InterestLookup {
 public:
  // Of the rule, the context size is the table's. Throws Error for a table of other clusters.
  InterestLookup(const ClusterTree& tree, PairTable table, const MiningRule& rule);

  // `history` with rewards.
  InterestRow row(const History& history) const;

  // The row's `count` best labels that are new to the user, fewer where it has fewer.
  std::vector<TableLabel> best(const InterestRow& row, int64_t count) const;
  // As many of those, drawn one after another in proportion to their probability.
  std::vector<TableLabel> drawn(const InterestRow& row, int64_t count, Random& random) const;

  const PairTable& table() const { return table_; }

 private:
  const ClusterTree& tree_;
  PairTable table_;
  MiningRule rule_;
};

}  // namespace serendip
