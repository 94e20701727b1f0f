// A step's samples as one prefix tree: what they share (the template, often C1) is computed once.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "lm/decoder.h"

namespace serendip {

// Loss falls on `labels` alone (description and terminator); the rest of a sample is its prompt.
struct Sample {
  std::vector<int32_t> prompt, labels;  // ids, neither empty
};

// Equals the padded, unpacked computation up to rounding: a node that several samples run through has
// all their targets.
struct PackedSamples {
  TokenTree tree;
  std::vector<int64_t> predicting_nodes;                    // nodes with a target, ascending
  std::vector<int64_t> target_row, target_token;            // row: index into predicting_nodes
};
PackedSamples pack(const std::vector<Sample>& samples);

// Σ −log p(target) over all targets of the pack; a scalar with gradients. Only predicting nodes go
// through the vocabulary projection.
torch::Tensor summed_loss(const Decoder& decoder, const PackedSamples& packed,
                          const LoraDropout* dropout);

}  // namespace serendip
