// Scores of labels after prompts, and the best of them, over the label trie.
//
// A label's score is the sum of full-vocabulary log-softmax over its tokens and the terminator. A
// prefix's log-probability bounds every completion below it, so a best-first search that expands
// nodes while their bound reaches the k-th best complete label finds the exact k best. With Z_low
// the mass of the allowed labels reached and Z_high = Z_low + the mass of the frontier, a label's
// probability over the closed set lies in [exp(score) / Z_high, exp(score) / Z_low].
//
// The same bounds draw exact samples of the closed set: a point of Z_high falls on a label, which
// is drawn, or on a frontier node, which is expanded; where it falls on mass that no child has, it
// is thrown again (von Neumann 1951).
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "infer/growing_tree.h"
#include "infer/label_trie.h"

namespace serendip {

enum class SearchMode {
  kExact,   // the k best, proven
  kGreedy,  // constrained greedy; the labels that it reaches on its way, usually one
  kFull,    // every label
  kSample,  // k draws from the closed set, with replacement
};
SearchMode parse_search_mode(const std::string& text);

struct SearchSettings {
  SearchMode mode = SearchMode::kExact;
  int64_t k = 0;         // at least 1 for kExact and kSample; 0: every label reached
  double tolerance = 1;  // kExact goes on until no probability's interval is wider
  uint64_t seed = 0;     // kSample: the draws depend on it and LabelQuery::stream alone
  int64_t max_nodes = std::numeric_limits<int32_t>::max();  // of the token tree
};

// The queries together need a token tree of more than SearchSettings::max_nodes.
struct SearchOverflow : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Throws SearchOverflow where a token tree of `nodes` is too large.
void check_node_count(int64_t nodes, const SearchSettings& settings);

struct LabelQuery {
  std::vector<int32_t> prompt;    // ids, not empty
  std::vector<int32_t> excluded;  // labels that may not be answered
  uint64_t stream = 0;            // of random numbers
};

struct LabelScore {
  int32_t label;
  double log_prob;
};

struct LabelSearchResult {
  // At most k (all when k = 0), best first, ties by label; of kSample the draws in their order.
  std::vector<LabelScore> best;
  double log_z_low, log_z_high;  // closed-set mass: reached, and its upper bound
  int64_t expansions = 0;        // trie nodes whose children were scored, the root's too

  double probability_low(double log_prob) const;
  double probability_high(double log_prob) const;
};

// What the model says of itself.
struct FreeAnswer {
  std::vector<int32_t> ids;  // up to the terminator, left out
  double log_prob = 0;       // of the ids and the terminator
  bool ended = false;        // else the terminator did not come
};

class DeviceSearch;

// A search by one thread at a time, with its own scratch. Where the model is on a device, so is the
// search (infer/device_search.h), but for draws and free answers, which ask it for a level at a
// time.
class LabelSearch {
 public:
  // Keeps references to both.
  LabelSearch(const Decoder& decoder, const LabelTrie& trie, const SearchSettings& settings);
  ~LabelSearch();

  // What all prompts begin with from now on; computed here, once.
  void hold_prefix(const std::vector<int32_t>& prefix) { tree_.hold_prefix(prefix); }
  // One answer a query. Throws SearchOverflow; fewer queries may then do. What prompts share is
  // computed once. In float32 on the CPU, with the
  // reproducible products of `use_reproducible_products`, results do not depend to the bit on
  // which queries come together; elsewhere not beyond rounding.
  std::vector<LabelSearchResult> run(const std::vector<LabelQuery>& queries);

  // Free-running greedy decoding of as many ids as the longest label has, and the terminator.
  std::vector<FreeAnswer> run_freely(const std::vector<std::vector<int32_t>>& prompts);

  int64_t computed_tokens() const;

 private:
  void check_size() const { check_node_count(tree_.size(), settings_); }

  const LabelTrie& trie_;
  SearchSettings settings_;
  GrowingTree tree_;
  std::unique_ptr<DeviceSearch> on_device_;
};

// A search of its own.
std::vector<LabelSearchResult> search_labels(const Decoder& decoder, const LabelTrie& trie,
                                             const std::vector<LabelQuery>& queries,
                                             SearchMode mode, int64_t k);

}  // namespace serendip
