// tree_attention (kernels/tree_attention.h) on tensors, differentiable.
#pragma once

#include <torch/torch.h>

#include "kernels/tree_attention.h"

namespace serendip {

// query [T, H, d], key and value [A, G, d] with d equal and G dividing H, float32 or float64 on the
// CPU, contiguous; path_offset i64 [T + 1], path i32 [path_offset[T]]. Returns [T, H, d].
torch::Tensor tree_attention(const torch::Tensor& query, const torch::Tensor& key,
                             const torch::Tensor& value, const torch::Tensor& path_offset,
                             const torch::Tensor& path,
                             const kernels::TreeAttentionOptions& options);

}  // namespace serendip
