// Dropout in front of adapters. A value's mask depends on (seed, step, layer, projection, the
// node's tokens from the root on, column) alone, and so neither on what else is in the pass, nor on
// the node's number, nor on the device.
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace serendip {

struct LoraDropout {
  double probability;
  uint64_t seed, step;

  // `input` [T, columns] with dropped values zero and the others scaled by 1 / (1 - probability).
  // path_keys: i64 [T] on its device, TokenTree::path_key of each row; `module` numbers the
  // projection over all layers.
  torch::Tensor operator()(const torch::Tensor& input, const torch::Tensor& path_keys,
                           int64_t module) const;
};

// The mask [T, columns], f32, by tensor operations on path_keys' device: what a GPU uses.
torch::Tensor lora_dropout_mask_on_device(const LoraDropout& dropout,
                                          const torch::Tensor& path_keys, int64_t columns,
                                          int64_t module);

}  // namespace serendip
