// Token trees that grow during inference: prompts with their common prefixes computed once, and the
// next-token log-probabilities of the rows that are asked for.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "lm/decoder.h"

namespace serendip {

class GrowingTree {
 public:
  // Keeps a reference to the decoder.
  explicit GrowingTree(const Decoder& decoder) : decoder_(decoder) {}

  // Adds prompts (none empty), shared prefixes once; returns each one's last node. Call it first.
  std::vector<int32_t> add_prompts(const std::vector<std::vector<int32_t>>& prompts);
  int32_t add(int32_t parent, int32_t token) { return tree_.add(parent, token); }
  int32_t size() const { return tree_.size(); }

  // Computes the nodes added since the last call and shows `visit` the float32 log-softmax over the
  // vocabulary, [vocab], of each wanted one (ascending, all among the new ones).
  void compute(const std::vector<int32_t>& wanted,
               const std::function<void(int32_t node, const float* log_prob)>& visit);

 private:
  const Decoder& decoder_;
  TokenTree tree_;
  KeyValueArena arena_;
  int32_t computed_ = 0;
};

}  // namespace serendip
