// Torch bindings of the kernels: torch.ops.serendip.* and the same functions for C++ callers.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <tuple>

namespace serendip {

// (ids i64 [B, k], log_prob f32 [B, k], log_z f32 [B]); the contract of every tensor is in
// kernels/cluster_softmax_topk.h. All on one device; float32 embeddings; not differentiable. Throws
// c10::Error naming the tensor, what is expected and what is found.
std::tuple<at::Tensor, at::Tensor, at::Tensor> cluster_softmax_topk(
    const at::Tensor& query, const at::Tensor& item_embedding, const at::Tensor& cluster_offset,
    const at::Tensor& row_offset, const at::Tensor& row_cluster, int64_t k);

}  // namespace serendip
