// Token trees that grow during inference: prompts with their common prefixes computed once, and the
// next-token logits of the rows that are asked for.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <vector>

#include "lm/decoder.h"

namespace serendip {

// What a model says of the token after a node.
struct NextToken {
  const float* logits;  // [vocab]
  double log_z;         // log Σ exp(logits)

  double log_prob(int32_t token) const { return static_cast<double>(logits[token]) - log_z; }
};

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
  int64_t vocabulary() const { return decoder_.config.vocab_size; }

  // Computes the nodes added since the last call and shows `visit` what each wanted one (ascending,
  // all among the new ones) says of the next token.
  void compute(const std::vector<int32_t>& wanted,
               const std::function<void(int32_t node, const NextToken&)>& visit);

  // Nodes computed since the beginning.
  int64_t computed_tokens() const { return computed_tokens_; }

 private:
  const Decoder& decoder_;
  TokenTree tree_;
  KeyValueArena arena_;
  std::vector<int32_t> prefix_;  // nodes [0, its size)
  int32_t computed_ = 0;
  int64_t computed_tokens_ = 0;
};

}  // namespace serendip
