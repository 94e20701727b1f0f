#include "infer/query_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "base/random.h"

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

// Of a heap whose top is the most likely node.
bool less_likely(const FrontierNode& a, const FrontierNode& b) {
  return a.log_prob != b.log_prob ? a.log_prob < b.log_prob : a.trie_node > b.trie_node;
}

class FullSearch : public QuerySearch {
 public:
  using QuerySearch::QuerySearch;
  std::vector<FrontierNode> next() override { return std::exchange(frontier_, {}); }
};

class GreedySearch : public QuerySearch {
 public:
  using QuerySearch::QuerySearch;

  std::vector<FrontierNode> next() override {
    std::vector<FrontierNode> chosen;
    if (choice_) chosen.push_back(*choice_);
    std::erase_if(frontier_, [&](const FrontierNode& node) {
      return choice_ && node.trie_node == choice_->trie_node;
    });
    choice_.reset();
    return chosen;
  }

 protected:
  // On to the most likely child, unless a label that ends here is as likely.
  void opened(const FrontierNode&, std::span<const FrontierNode> children,
              std::span<const LabelScore> labels) override {
    const auto best = std::max_element(children.begin(), children.end(), less_likely);
    if (best == children.end()) return;
    if (labels.empty() || best->log_prob > labels.front().log_prob) choice_ = *best;
  }

 private:
  std::optional<FrontierNode> choice_;
};

class ExactSearch : public QuerySearch {
 public:
  ExactSearch(const LabelTrie& trie, const LabelQuery& query, const SearchSettings& settings)
      : QuerySearch(trie, query, settings), k_(static_cast<size_t>(settings.k)) {}

  std::vector<FrontierNode> next() override {
    std::sort(reached_.begin(), reached_.end(), better);
    const double bar = reached_.size() < k_ ? kMinusInfinity : reached_[k_ - 1].log_prob;
    const bool proven = frontier_.empty() || frontier_.front().log_prob < bar;
    std::vector<FrontierNode> chosen;
    if (proven && is_narrow()) return chosen;
    while (!frontier_.empty() && chosen.size() < std::max<size_t>(1, k_ / 4) &&
           (proven || frontier_.front().log_prob >= bar)) {
      std::pop_heap(frontier_.begin(), frontier_.end(), less_likely);
      chosen.push_back(frontier_.back());
      frontier_.pop_back();
    }
    return chosen;
  }

 protected:
  void opened(const FrontierNode&, std::span<const FrontierNode> children,
              std::span<const LabelScore>) override {
    for (size_t i = children.size(); i-- > 0;)
      std::push_heap(frontier_.begin(), frontier_.end() - static_cast<int64_t>(i), less_likely);
  }

 private:
  // Whether the interval of the best label, the widest, is within the tolerance.
  bool is_narrow() const {
    if (settings_.tolerance >= 1 || reached_.empty() || frontier_.empty()) return true;
    double low = 0, frontier = 0;  // in units of the best label's mass
    for (const LabelScore& score : reached_)
      low += std::exp(score.log_prob - reached_.front().log_prob);
    for (const FrontierNode& node : frontier_)
      frontier += std::exp(node.log_prob - reached_.front().log_prob);
    return 1 / low - 1 / (low + frontier) <= settings_.tolerance;
  }

  size_t k_;
};

class SampleSearch : public QuerySearch {
 public:
  SampleSearch(const LabelTrie& trie, const LabelQuery& query, const SearchSettings& settings)
      : QuerySearch(trie, query, settings) {
    for (uint64_t i = 0; i < static_cast<uint64_t>(settings.k); ++i) {
      random_.emplace_back(settings.seed, mix_bits(query.stream) ^ i);
      undecided_.push_back(i);
    }
    drawn_.resize(random_.size());
  }

  std::vector<FrontierNode> next() override {
    for (const size_t draw : std::exchange(undecided_, {})) throw_again(draw);
    std::vector<FrontierNode> chosen;
    std::erase_if(frontier_, [&](const FrontierNode& node) {
      const bool waited_for = waiting_.count(node.trie_node) > 0;
      if (waited_for) chosen.push_back(node);
      return waited_for;
    });
    return chosen;
  }

  LabelSearchResult result() override {
    LabelSearchResult result = QuerySearch::result();
    result.best.clear();
    for (const std::optional<LabelScore>& score : drawn_)
      if (score) result.best.push_back(*score);
    return result;
  }

 protected:
  // A draw that fell on the node falls on a child, a label, or mass that neither has.
  void opened(const FrontierNode& from, std::span<const FrontierNode> children,
              std::span<const LabelScore> labels) override {
    const auto waiting = waiting_.extract(from.trie_node);
    if (waiting.empty()) return;
    for (const size_t draw : waiting.mapped())
      if (!place(draw, random_[draw].uniform(), from.log_prob, labels, children))
        undecided_.push_back(draw);
  }

 private:
  // Takes the piece that holds the point, a share of exp(log_total); false where none does.
  bool place(size_t draw, double point, double log_total, std::span<const LabelScore> labels,
             std::span<const FrontierNode> nodes) {
    for (const LabelScore& label : labels) {
      point -= std::exp(label.log_prob - log_total);
      if (point >= 0) continue;
      drawn_[draw] = label;
      return true;
    }
    for (const FrontierNode& node : nodes) {
      point -= std::exp(node.log_prob - log_total);
      if (point >= 0) continue;
      waiting_[node.trie_node].push_back(draw);
      return true;
    }
    return false;
  }

  void throw_again(size_t draw) {
    double log_total = kMinusInfinity;
    for (const LabelScore& label : reached_) log_total = log_add(log_total, label.log_prob);
    for (const FrontierNode& node : frontier_) log_total = log_add(log_total, node.log_prob);
    if (log_total == kMinusInfinity) return;  // no label is allowed
    // Not placed only where rounding leaves a rest at the end.
    while (!place(draw, random_[draw].uniform(), log_total, reached_, frontier_)) {
    }
  }

  std::vector<Random> random_;  // of each draw
  std::vector<std::optional<LabelScore>> drawn_;
  std::vector<size_t> undecided_;                   // draws to be thrown
  std::map<int32_t, std::vector<size_t>> waiting_;  // frontier node -> draws that fell on it
};

}  // namespace

void QuerySearch::open(const FrontierNode& from, int32_t trie_node, int32_t tree_node,
                       double log_prob, std::span<const double> next) {
  const LabelTrie::Node& node = trie_.node(trie_node);
  const size_t old_frontier = frontier_.size(), old_reached = reached_.size();
  for (size_t i = 0; i < node.children.size(); ++i)
    if (trie_.allows(node.children[i], query_.excluded))
      frontier_.push_back({node.children[i], tree_node, log_prob + next[i]});
  for (const int32_t label : node.labels)
    if (std::find(query_.excluded.begin(), query_.excluded.end(), label) == query_.excluded.end())
      reached_.push_back({label, log_prob + next.back()});
  ++expansions_;
  const std::vector<FrontierNode> children(frontier_.begin() + static_cast<int64_t>(old_frontier),
                                           frontier_.end());
  opened(from, children, std::span(reached_).subspan(old_reached));
}

LabelSearchResult QuerySearch::result() {
  LabelSearchResult result{{}, kMinusInfinity, kMinusInfinity, expansions_};
  std::sort(reached_.begin(), reached_.end(), better);
  for (const LabelScore& score : reached_)
    result.log_z_low = log_add(result.log_z_low, score.log_prob);
  result.log_z_high = result.log_z_low;
  for (const FrontierNode& node : frontier_)
    result.log_z_high = log_add(result.log_z_high, node.log_prob);
  result.best = std::move(reached_);
  if (settings_.k > 0 && result.best.size() > static_cast<size_t>(settings_.k))
    result.best.resize(static_cast<size_t>(settings_.k));
  return result;
}

std::unique_ptr<QuerySearch> make_query_search(const LabelTrie& trie, const LabelQuery& query,
                                               const SearchSettings& settings) {
  switch (settings.mode) {
    case SearchMode::kFull:
      return std::make_unique<FullSearch>(trie, query, settings);
    case SearchMode::kGreedy:
      return std::make_unique<GreedySearch>(trie, query, settings);
    case SearchMode::kSample:
      return std::make_unique<SampleSearch>(trie, query, settings);
    case SearchMode::kExact:
      break;
  }
  return std::make_unique<ExactSearch>(trie, query, settings);
}

}  // namespace serendip
