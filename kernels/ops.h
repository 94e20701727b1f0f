// Torch bindings of the kernels: torch.ops.serendip.* and the same functions for C++ callers.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <tuple>

#include "kernels/tree_attention.h"

namespace serendip {

// (ids i64 [B, k], log_prob f32 [B, k], log_z f32 [B]); the contract of every tensor is in
// kernels/cluster_softmax_topk.h. All on one device; query and item_embedding both float32,
// bfloat16 or float16; not differentiable. On a GPU d is a multiple of 8 up to 512 and k at most
// 256. Throws c10::Error naming the tensor, what is expected and what is found.
std::tuple<at::Tensor, at::Tensor, at::Tensor> cluster_softmax_topk(
    const at::Tensor& query, const at::Tensor& item_embedding, const at::Tensor& cluster_offset,
    const at::Tensor& row_offset, const at::Tensor& row_cluster, int64_t k);

// (log_prob f32 [B], log_z f32 [B]), differentiable in query and item_embedding; the contract is in
// kernels/cluster_log_softmax.h: target i64 [B], the rest as above. Targets are checked on the CPU
// alone.
std::tuple<at::Tensor, at::Tensor> cluster_log_softmax(
    const at::Tensor& query, const at::Tensor& item_embedding, const at::Tensor& cluster_offset,
    const at::Tensor& row_offset, const at::Tensor& row_cluster, const at::Tensor& target);

// The loss of each target, f32 [L]; the logits become their gradient. The contract is in
// kernels/token_cross_entropy.h: logits [T, V] contiguous, target_offset i64 [T + 1], target i64
// [L], weight f32 [L], all on one device; on the CPU also float64 throughout. Offsets and targets
// are checked on the CPU alone.
at::Tensor token_cross_entropy_(at::Tensor& logits, const at::Tensor& target_offset,
                                const at::Tensor& target, const at::Tensor& weight);

// (child i64 [T, k], log_prob f32 [T, k], log_z f32 [T]); the contract is in
// kernels/trie_mask_topk.h: logits [T, V], child_offset i64 [T + 1], child_token i64 [C], all on
// one device; on a GPU k is at most 256. Offsets and tokens are checked on the CPU alone.
std::tuple<at::Tensor, at::Tensor, at::Tensor> trie_mask_topk(const at::Tensor& logits,
                                                              const at::Tensor& child_offset,
                                                              const at::Tensor& child_token,
                                                              int64_t k);

// [T, H, d], differentiable; the contract is in kernels/tree_attention.h: query [T, H, d], key and
// value [A, G, d], float32 or float64 on the CPU, float32, bfloat16 or float16 on a GPU, where d is
// a multiple of 8 up to 256; path_offset i64 [T + 1], path i32, checked on the CPU alone. The
// registered op also returns log_sum_exp [T, H], at least float32, without a gradient.
at::Tensor tree_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                          const at::Tensor& path_offset, const at::Tensor& path,
                          const kernels::TreeAttentionOptions& options);

}  // namespace serendip
