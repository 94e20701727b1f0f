// A step's samples as one prefix tree: what they share (the template, often C1) is computed once.
#pragma once

#include <cstdint>
#include <vector>

#include "lm/token_tree.h"

namespace serendip {

// Loss falls on `labels` alone (description and terminator); the rest of a sample is its prompt.
struct Sample {
  std::vector<int32_t> prompt, labels;  // ids, neither empty
};

// Of all samples together.
int64_t label_tokens(const std::vector<Sample>& samples);

// Equals the padded, unpacked computation up to rounding: a node that several samples run through
// has all their targets.
struct PackedSamples {
  TokenTree tree;
  std::vector<int64_t> predicting_nodes;  // nodes with a target, ascending
  // target_token[target_offset[i] .. target_offset[i + 1]): targets of predicting_nodes[i]
  std::vector<int64_t> target_offset, target_token;
};
PackedSamples pack(const std::vector<Sample>& samples);

}  // namespace serendip
