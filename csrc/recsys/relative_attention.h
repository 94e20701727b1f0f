// Self-attention with relative position representations (Shaw, Uszkoreit, Vaswani 2018).
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "recsys/dropout.h"

namespace serendip {

// One-hot rows that pick, for each pair (i, j) of T places, the row min(max(i - j, 0), D) of a
// distance table: [T * T, D + 1].
at::Tensor distance_selector(int64_t length, int64_t max_distance,
                             const at::TensorOptions& options);

// 0 where place i may see place j (j at or before i, same segment), -inf elsewhere:
// segment i64 [B, T] -> [B, 1, T, T].
at::Tensor causal_bias(const at::Tensor& segment, const at::TensorOptions& options);

// out_i = sum_j a_ij (v_j + aV_d(i,j)),  a_i = softmax_j(q_i . (k_j + aK_d(i,j)) / sqrt(dh) + bias)
//   query, key, value              [B, H, T, dh]
//   key_distance, value_distance   [D + 1, dh], shared by the heads
//   selector                       from distance_selector; bias from causal_bias
// Returns [B, H, T, dh]. `dropout` acts on the attention weights.
at::Tensor relative_attention(const at::Tensor& query, const at::Tensor& key,
                              const at::Tensor& value, const at::Tensor& key_distance,
                              const at::Tensor& value_distance, const at::Tensor& selector,
                              const at::Tensor& bias, Dropout& dropout);

}  // namespace serendip
