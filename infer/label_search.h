// Scores of labels after prompts, and the best of them, over the label trie.
//
// A label's score is the sum of full-vocabulary log-softmax over its tokens and the terminator. A prefix's
// log-probability bounds every completion below it, so a best-first search that expands nodes while their
// bound reaches the k-th best complete label finds the exact k best. With Z_low the mass of the allowed
// labels reached and Z_high = Z_low + the mass of the frontier, a label's probability over the closed set
// lies in [exp(score) / Z_high, exp(score) / Z_low].
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "infer/growing_tree.h"
#include "infer/label_trie.h"

namespace serendip {

enum class SearchMode {
  kExact,   // the k best, proven
  kGreedy,  // constrained greedy; the labels that it reaches on its way, usually one
  kFull,    // every label
};
SearchMode parse_search_mode(const std::string& text);

struct LabelQuery {
  std::vector<int32_t> prompt;    // ids, not empty
  std::vector<int32_t> excluded;  // labels that may not be answered
};

struct LabelScore {
  int32_t label;
  double log_prob;
};

struct LabelSearchResult {
  std::vector<LabelScore> best;  // at most k (all when k = 0), best first, ties by label
  double log_z_low, log_z_high;  // closed-set mass: reached, and its upper bound

  double probability_low(double log_prob) const;
  double probability_high(double log_prob) const;
};

// One answer a query. Queries that share a prefix share its computation; results do not depend on
// which queries come together, beyond rounding.
std::vector<LabelSearchResult> search_labels(const Decoder& decoder, const LabelTrie& trie,
                                             const std::vector<LabelQuery>& queries, SearchMode mode,
                                             int64_t k);

// Free-running greedy decoding: ids up to the terminator (left out), or `max_tokens` + 1 of them when
// it did not come.
std::vector<std::vector<int32_t>> generate_freely(const Decoder& decoder,
                                                  const std::vector<std::vector<int32_t>>& prompts,
                                                  int32_t terminator, int64_t max_tokens);

}  // namespace serendip
