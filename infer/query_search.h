// The search for one query's labels, in each mode: which trie nodes to expand next, and what is
// known so far.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "infer/label_search.h"

namespace serendip {

// A trie node whose log-probability is known and whose children's are not.
struct FrontierNode {
  int32_t trie_node, tree_parent;  // tree_parent: the node of the token tree above it
  double log_prob;
};

class QuerySearch {
 public:
  QuerySearch(const LabelTrie& trie, const LabelQuery& query, const SearchSettings& settings)
      : trie_(trie), query_(query), settings_(settings) {}
  virtual ~QuerySearch() = default;
  QuerySearch(const QuerySearch&) = delete;
  QuerySearch& operator=(const QuerySearch&) = delete;

  // Takes what the model says after `trie_node`, at `tree_node` of the token tree, whose path has
  // `log_prob`: `next`, the log-probabilities of its next_tokens. `from` is the frontier node that
  // was expanded: it, or the head of its forced chain.
  void open(const FrontierNode& from, int32_t trie_node, int32_t tree_node, double log_prob,
            std::span<const double> next);
  // Removes and returns the frontier nodes to expand now; none when the search has ended.
  virtual std::vector<FrontierNode> next() = 0;
  virtual LabelSearchResult result();

 protected:
  // Called by `open` with what it has added to frontier and reached labels.
  virtual void opened(const FrontierNode& /*from*/, std::span<const FrontierNode> /*children*/,
                      std::span<const LabelScore> /*labels*/) {}

  const LabelTrie& trie_;
  const LabelQuery& query_;
  const SearchSettings& settings_;
  std::vector<FrontierNode> frontier_;
  std::vector<LabelScore> reached_;
  int64_t expansions_ = 0;
};

std::unique_ptr<QuerySearch> make_query_search(const LabelTrie& trie, const LabelQuery& query,
                                               const SearchSettings& settings);

}  // namespace serendip
