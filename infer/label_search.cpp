#include "infer/label_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace serendip {
namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

double log_add(double a, double b) {
  if (a < b) std::swap(a, b);
  return b == kMinusInfinity ? a : a + std::log1p(std::exp(b - a));
}

bool better(const LabelScore& a, const LabelScore& b) {
  return a.log_prob != b.log_prob ? a.log_prob > b.log_prob : a.label < b.label;
}

// A trie node whose log-probability is known and whose children's are not.
struct FrontierNode {
  int32_t trie_node, tree_parent;
  double log_prob;
};

// The search for one query.
class Search {
 public:
  Search(const LabelTrie& trie, const LabelQuery& query, SearchMode mode, int64_t k)
      : trie_(trie), query_(query), mode_(mode), k_(static_cast<size_t>(k)) {}

  // Takes the next-token distribution below `trie_node` (at `tree_node`, prefix `log_prob`).
  void open(int32_t trie_node, int32_t tree_node, double log_prob, const float* next) {
    const LabelTrie::Node& node = trie_.node(trie_node);
    std::vector<FrontierNode> children;
    for (const int32_t child : node.children)
      if (trie_.allows(child, query_.excluded))
        children.push_back({child, tree_node, log_prob + next[trie_.node(child).token]});
    double best_label = kMinusInfinity;
    for (const int32_t label : node.labels) {
      if (std::find(query_.excluded.begin(), query_.excluded.end(), label) !=
          query_.excluded.end())
        continue;
      best_label = log_prob + next[trie_.terminator()];
      reached_.push_back({label, best_label});
    }
    frontier_.insert(frontier_.end(), children.begin(), children.end());
    greedy_next_ = children.size();
    if (best_label > kMinusInfinity)
      for (const FrontierNode& child : children) greedy_done_ = greedy_done_ && child.log_prob <= best_label;
    else
      greedy_done_ = false;
    if (children.empty()) greedy_done_ = true;
  }

  // Removes and returns the frontier nodes to expand now; none when the search has ended.
  std::vector<FrontierNode> next() {
    std::vector<FrontierNode> chosen;
    if (mode_ == SearchMode::kFull) {
      chosen.swap(frontier_);
    } else if (mode_ == SearchMode::kGreedy) {
      if (!greedy_done_) chosen = take_best(1, frontier_.end() - static_cast<int64_t>(greedy_next_));
      greedy_done_ = true;  // until a child beats the label that ends there
    } else {
      std::sort(reached_.begin(), reached_.end(), better);
      const double bar = reached_.size() < k_ ? kMinusInfinity : reached_[k_ - 1].log_prob;
      chosen = take_best(std::max<size_t>(1, k_ / 4), frontier_.begin());
      while (!chosen.empty() && chosen.back().log_prob < bar) {
        frontier_.push_back(chosen.back());
        chosen.pop_back();
      }
    }
    return chosen;
  }

  LabelSearchResult result() {
    LabelSearchResult result{{}, kMinusInfinity, kMinusInfinity};
    std::sort(reached_.begin(), reached_.end(), better);
    for (const LabelScore& score : reached_)
      result.log_z_low = log_add(result.log_z_low, score.log_prob);
    result.log_z_high = result.log_z_low;
    for (const FrontierNode& node : frontier_)
      result.log_z_high = log_add(result.log_z_high, node.log_prob);
    result.best = std::move(reached_);
    if (k_ > 0 && result.best.size() > k_) result.best.resize(k_);
    return result;
  }

 private:
  // The `count` best of [begin, end of the frontier), best first.
  std::vector<FrontierNode> take_best(size_t count, std::vector<FrontierNode>::iterator begin) {
    std::stable_sort(begin, frontier_.end(), [](const FrontierNode& a, const FrontierNode& b) {
      return a.log_prob > b.log_prob;
    });
    const auto end = begin + std::min<int64_t>(static_cast<int64_t>(count), frontier_.end() - begin);
    std::vector<FrontierNode> chosen(begin, end);
    frontier_.erase(begin, end);
    return chosen;
  }

  const LabelTrie& trie_;
  const LabelQuery& query_;
  SearchMode mode_;
  size_t k_;
  std::vector<FrontierNode> frontier_;
  std::vector<LabelScore> reached_;
  size_t greedy_next_ = 0;  // children that the last opened node put at the frontier's end
  bool greedy_done_ = true;
};

// A node being expanded together with the forced chain below it.
struct Expansion {
  size_t query;
  int32_t trie_node;       // of the current row
  int32_t first, last;     // tree nodes of the chain
  double log_prob;
};

// Adds the node and its forced chain: as long as one continuation is possible, nothing is decided.
Expansion expand(const LabelTrie& trie, size_t query, const FrontierNode& from, GrowingTree& tree) {
  Expansion expansion{query, from.trie_node, tree.add(from.tree_parent, trie.node(from.trie_node).token),
                      0, from.log_prob};
  expansion.last = expansion.first;
  for (const LabelTrie::Node* node = &trie.node(from.trie_node);
       node->children.size() == 1 && node->labels.empty();) {
    node = &trie.node(node->children[0]);
    expansion.last = tree.add(expansion.last, node->token);
  }
  return expansion;
}

}  // namespace

SearchMode parse_search_mode(const std::string& text) {
  if (text == "exact") return SearchMode::kExact;
  if (text == "greedy") return SearchMode::kGreedy;
  if (text == "full") return SearchMode::kFull;
  fail("search mode: expected exact, greedy or full, got '{}'", text);
}

double LabelSearchResult::probability_low(double log_prob) const {
  return std::exp(log_prob - log_z_high);
}
double LabelSearchResult::probability_high(double log_prob) const {
  return std::exp(log_prob - log_z_low);
}

std::vector<LabelSearchResult> search_labels(const Decoder& decoder, const LabelTrie& trie,
                                             const std::vector<LabelQuery>& queries,
                                             SearchMode mode, int64_t k) {
  SERENDIP_CHECK(k >= 0 && (k > 0 || mode != SearchMode::kExact),
                 "label search: expected k of at least 1, got {}", k);
  GrowingTree tree(decoder);
  std::vector<std::vector<int32_t>> prompts;
  std::vector<Search> searches;
  for (const LabelQuery& query : queries) {
    prompts.push_back(query.prompt);
    searches.emplace_back(trie, query, mode, k);
  }
  const std::vector<int32_t> roots = tree.add_prompts(prompts);
  std::vector<int32_t> wanted = roots;
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  tree.compute(wanted, [&](int32_t node, const float* next) {
    for (size_t i = 0; i < queries.size(); ++i)
      if (roots[i] == node) searches[i].open(LabelTrie::kRoot, node, 0, next);
  });
  for (;;) {
    std::vector<Expansion> expansions;
    const int32_t begin = tree.size();
    for (size_t i = 0; i < searches.size(); ++i)
      for (const FrontierNode& node : searches[i].next())
        expansions.push_back(expand(trie, i, node, tree));
    if (expansions.empty()) break;
    wanted.resize(static_cast<size_t>(tree.size() - begin));
    for (size_t i = 0; i < wanted.size(); ++i) wanted[i] = begin + static_cast<int32_t>(i);
    size_t current = 0;
    tree.compute(wanted, [&](int32_t node, const float* next) {
      if (node > expansions[current].last) ++current;
      Expansion& expansion = expansions[current];
      if (node == expansion.last) {
        searches[expansion.query].open(expansion.trie_node, node, expansion.log_prob, next);
        return;
      }
      expansion.trie_node = trie.node(expansion.trie_node).children[0];
      expansion.log_prob += next[trie.node(expansion.trie_node).token];
    });
  }
  std::vector<LabelSearchResult> results;
  for (Search& search : searches) results.push_back(search.result());
  return results;
}

std::vector<std::vector<int32_t>> generate_freely(const Decoder& decoder,
                                                  const std::vector<std::vector<int32_t>>& prompts,
                                                  int32_t terminator, int64_t max_tokens) {
  GrowingTree tree(decoder);
  const int64_t vocabulary = decoder.config.vocab_size;
  std::vector<std::vector<int32_t>> outputs(prompts.size());
  std::vector<int32_t> at = tree.add_prompts(prompts);
  std::vector<size_t> active(prompts.size());
  for (size_t i = 0; i < active.size(); ++i) active[i] = i;
  while (!active.empty()) {
    std::vector<int32_t> wanted;
    for (const size_t i : active) wanted.push_back(at[i]);
    std::sort(wanted.begin(), wanted.end());
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    std::vector<std::pair<int32_t, int32_t>> answer;  // node, its most likely next token
    tree.compute(wanted, [&](int32_t node, const float* next) {
      answer.emplace_back(node, static_cast<int32_t>(std::max_element(next, next + vocabulary) - next));
    });
    std::vector<size_t> still;
    for (const size_t i : active) {
      const int32_t token =
          std::lower_bound(answer.begin(), answer.end(), std::pair{at[i], int32_t{-1}})->second;
      if (token == terminator) continue;
      outputs[i].push_back(token);
      if (static_cast<int64_t>(outputs[i].size()) > max_tokens) continue;
      at[i] = tree.add(at[i], token);
      still.push_back(i);
    }
    active = std::move(still);
  }
  return outputs;
}

}  // namespace serendip
