#include "infer/label_search.h"

#include <cmath>
#include <map>

#include "base/check.h"
#include "infer/device_search.h"
#include "infer/query_search.h"

namespace serendip {
namespace {

// A node being expanded together with the forced chain below it.
struct Expansion {
  size_t query;
  FrontierNode from;
  int32_t trie_node, last;  // the end of the chain, in the trie and in the token tree
  double log_prob;          // of the chain as far as its tokens are answered
};

// Adds the node and its forced chain: as long as one continuation is possible, nothing is decided.
// Asks of each what may come next.
Expansion expand(const LabelTrie& trie, size_t query, const FrontierNode& from, GrowingTree& tree,
                 std::vector<NextTokenQuestion>& questions) {
  Expansion expansion{query, from, from.trie_node, from.tree_parent, from.log_prob};
  for (;;) {
    const LabelTrie::Node& node = trie.node(expansion.trie_node);
    expansion.last = tree.add(expansion.last, node.token);
    questions.push_back({expansion.last, node.next_tokens});
    if (node.children.size() != 1 || !node.labels.empty()) return expansion;
    expansion.trie_node = node.children[0];
  }
}

}  // namespace

SearchMode parse_search_mode(const std::string& text) {
  if (text == "exact") return SearchMode::kExact;
  if (text == "greedy") return SearchMode::kGreedy;
  if (text == "full") return SearchMode::kFull;
  if (text == "sample") return SearchMode::kSample;
  fail("search mode: expected exact, greedy, full or sample, got '{}'", text);
}

void check_node_count(int64_t nodes, const SearchSettings& settings) {
  if (nodes > settings.max_nodes)
    throw SearchOverflow(fmt::format("label search: {} tokens at once, expected at most {}", nodes,
                                     settings.max_nodes));
}

double LabelSearchResult::probability_low(double log_prob) const {
  return std::exp(log_prob - log_z_high);
}
double LabelSearchResult::probability_high(double log_prob) const {
  return std::exp(log_prob - log_z_low);
}

LabelSearch::LabelSearch(const Decoder& decoder, const LabelTrie& trie,
                         const SearchSettings& settings)
    : trie_(trie), settings_(settings), tree_(decoder) {
  const bool needs_k = settings.mode == SearchMode::kExact || settings.mode == SearchMode::kSample;
  SERENDIP_CHECK(settings.k >= (needs_k ? 1 : 0), "label search: expected k of at least 1, got {}",
                 settings.k);
  if (!decoder.embed_tokens.is_cpu() && settings.mode != SearchMode::kSample)
    on_device_ = std::make_unique<DeviceSearch>(decoder, trie, tree_, settings);
}

LabelSearch::~LabelSearch() = default;

int64_t LabelSearch::computed_tokens() const {
  return tree_.computed_tokens() + (on_device_ ? on_device_->computed_tokens() : 0);
}

std::vector<LabelSearchResult> LabelSearch::run(const std::vector<LabelQuery>& queries) {
  if (on_device_) return on_device_->run(queries);
  std::vector<std::vector<int32_t>> prompts;
  std::vector<std::unique_ptr<QuerySearch>> searches;
  for (const LabelQuery& query : queries) {
    prompts.push_back(query.prompt);
    searches.push_back(make_query_search(trie_, query, settings_));
  }
  const std::vector<int32_t> roots = tree_.add_prompts(prompts);
  check_size();
  const FrontierNode root{LabelTrie::kRoot, TokenTree::kNoParent, 0};
  std::vector<NextTokenQuestion> questions;
  for (const int32_t node : ascending(roots))
    questions.push_back({node, trie_.node(LabelTrie::kRoot).next_tokens});
  tree_.compute(questions, [&](size_t question, std::span<const double> next) {
    const int32_t node = questions[question].node;
    for (size_t i = 0; i < queries.size(); ++i)
      if (roots[i] == node) searches[i]->open(root, LabelTrie::kRoot, node, 0, next);
  });
  for (;;) {
    std::vector<Expansion> expansions;
    questions.clear();
    for (size_t i = 0; i < searches.size(); ++i)
      for (const FrontierNode& node : searches[i]->next())
        expansions.push_back(expand(trie_, i, node, tree_, questions));
    if (expansions.empty()) break;
    check_size();
    size_t current = 0;
    tree_.compute(questions, [&](size_t question, std::span<const double> next) {
      const int32_t node = questions[question].node;
      if (node > expansions[current].last) ++current;
      Expansion& expansion = expansions[current];
      if (node == expansion.last)
        searches[expansion.query]->open(expansion.from, expansion.trie_node, node,
                                        expansion.log_prob, next);
      else
        expansion.log_prob += next[0];
    });
  }
  std::vector<LabelSearchResult> results;
  for (const std::unique_ptr<QuerySearch>& search : searches) results.push_back(search->result());
  return results;
}

std::vector<LabelSearchResult> search_labels(const Decoder& decoder, const LabelTrie& trie,
                                             const std::vector<LabelQuery>& queries,
                                             SearchMode mode, int64_t k) {
  return LabelSearch(decoder, trie, {mode, k}).run(queries);
}

std::vector<FreeAnswer> LabelSearch::run_freely(const std::vector<std::vector<int32_t>>& prompts) {
  std::vector<FreeAnswer> answers(prompts.size());
  std::vector<int32_t> at = tree_.add_prompts(prompts);
  check_size();
  std::vector<size_t> active(prompts.size());
  for (size_t i = 0; i < active.size(); ++i) active[i] = i;
  while (!active.empty()) {
    std::vector<int32_t> wanted;
    for (const size_t i : active) wanted.push_back(at[i]);
    wanted = ascending(std::move(wanted));
    const std::vector<NextToken> answers_here = tree_.most_likely(wanted);
    std::map<int32_t, NextToken> best;  // of a node: the token after it
    for (size_t i = 0; i < wanted.size(); ++i) best[wanted[i]] = answers_here[i];
    std::vector<size_t> still;
    for (const size_t i : active) {
      const auto& [token, log_prob] = best.at(at[i]);
      FreeAnswer& answer = answers[i];
      answer.log_prob += log_prob;
      answer.ended = token == trie_.terminator();
      if (answer.ended || static_cast<int64_t>(answer.ids.size()) == trie_.depth()) continue;
      answer.ids.push_back(token);
      at[i] = tree_.add(at[i], token);
      still.push_back(i);
    }
    check_size();
    active = std::move(still);
  }
  return answers;
}

}  // namespace serendip
