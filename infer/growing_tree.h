// Token trees that grow during inference: prompts with their common prefixes computed once, and
// what the model says comes next, where it is asked. The tree is on the host, the model where its
// weights are; a call of `compute` or `most_likely` reads from there once.
#pragma once

#include <torch/types.h>

#include <functional>
#include <span>
#include <vector>

#include "lm/decoder.h"

namespace serendip {

// How likely is each of the tokens after the node?
struct NextTokenQuestion {
  int32_t node;
  std::span<const int32_t> tokens;
};

struct NextToken {
  int32_t token;
  double log_prob;
};

// Each node once, as GrowingTree wants to be asked.
std::vector<int32_t> ascending(std::vector<int32_t> nodes);

class GrowingTree {
 public:
  // Keeps a reference to the decoder.
  explicit GrowingTree(const Decoder& decoder) : decoder_(decoder) {}

  // What all prompts begin with from now on: computed here, once. Forgets everything else.
  void hold_prefix(const std::vector<int32_t>& prefix);
  // Forgets all but the held prefix and adds prompts, each of them longer than it and shared
  // prefixes once; returns each one's last node.
  std::vector<int32_t> add_prompts(const std::vector<std::vector<int32_t>>& prompts);
  int32_t add(int32_t parent, int32_t token) { return tree_.add(parent, token); }
  int32_t size() const { return tree_.size(); }

  // Computes the nodes added since the last call and shows `visit` the answer to each question, in
  // their order: ascending by node, all among the new ones.
  void compute(const std::vector<NextTokenQuestion>& questions,
               const std::function<void(size_t question, std::span<const double> log_prob)>& visit);
  // The same for the token that is likeliest, after each of `nodes`.
  std::vector<NextToken> most_likely(const std::vector<int32_t>& nodes);

  // Computes them too, and shows `visit` the logits f32 [rows, vocab] after nodes
  // [first, first + rows) of `nodes`, at most kRowsPerProjection rows at a time.
  using VisitLogits = std::function<void(size_t first, const torch::Tensor& logits)>;
  void compute_logits(const std::vector<int32_t>& nodes, const VisitLogits& visit);
  static constexpr int64_t kRowsPerProjection = 256;  // bounds the [rows, vocabulary] buffer

  // Nodes computed since the beginning.
  int64_t computed_tokens() const { return computed_tokens_; }
  // Rows from size() on are free for others until the next call of add_prompts.
  KeyValueArena& arena() { return arena_; }
  std::vector<int32_t> path(int32_t node) const { return tree_.path(node); }

 private:
  const Decoder& decoder_;
  TokenTree tree_;
  KeyValueArena arena_;
  std::vector<int32_t> prefix_;  // nodes [0, its size)
  int32_t computed_ = 0;
  int64_t computed_tokens_ = 0;
};

}  // namespace serendip
