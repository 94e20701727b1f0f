// The decoder's elementwise parts in one pass over memory each, forward and backward, for float32
// and float64 on the CPU. Elsewhere they are composed of LibTorch's operations. Differentiable in
// all tensors but the rotary tables; a row's result does not depend on the other rows.
#pragma once

#include <torch/types.h>

namespace serendip {

// x / √(mean(x²) + epsilon) over the last dimension, times weight or, with `adds_one`, 1 + weight.
// The mean is float32 at least; 16-bit types are rounded where `transformers` rounds.
torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight, double epsilon,
                       bool adds_one);

// Rotary position embedding in the half-split layout of Hugging Face checkpoints (Su et al. 2021):
// x [T, heads, d], cosine and sine [T, 1, d/2].
torch::Tensor rotate_half(const torch::Tensor& x, const torch::Tensor& cosine,
                          const torch::Tensor& sine);

// silu(gate) · up.
torch::Tensor silu_and_multiply(const torch::Tensor& gate, const torch::Tensor& up);

}  // namespace serendip
