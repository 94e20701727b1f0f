// Attention over token trees by one contract (kernels/tree_attention.h) with two implementations.
#pragma once

#include <torch/types.h>

#include "kernels/tree_attention.h"
#include "lm/token_tree.h"

namespace serendip {

enum class AttentionMethod {
  // tree_attention. On the CPU float32 or float64, narrower inputs are widened, and a row's result
  // depends on its path alone, to the bit.
  kTree,
  // LibTorch's scaled_dot_product_attention, any device and dtype: causal where the pass is one
  // whole sequence (its flash kernels then apply), with a mask [T, A] otherwise. It knows no soft
  // cap: such scores are made by matrix products, [H, T, A] of them.
  kTorch
};

// kTree wherever this build and device have it for heads of `head_dim` of the dtype of `rows`.
AttentionMethod attention_method_for(const torch::TensorOptions& rows, int64_t head_dim);

// The type that keys and values of queries like `rows` are kept in.
torch::ScalarType key_value_dtype(AttentionMethod method, const torch::TensorOptions& rows);

// One kind of attention in one pass; made once, applied in every layer of the kind.
class Attention {
 public:
  // For the nodes of `batch`, whose ancestors are among key rows [0, key_rows); `rows`: dtype and
  // device of the queries.
  Attention(AttentionMethod method, const TokenTreeBatch& batch, int64_t key_rows,
            const kernels::TreeAttentionOptions& options, const torch::TensorOptions& rows);

  // query [T, H, d], key and value [key_rows, G, d] -> [T, H, d], all of query's dtype.
  torch::Tensor operator()(const torch::Tensor& query, const torch::Tensor& key,
                           const torch::Tensor& value) const;

 private:
  torch::Tensor by_torch(const torch::Tensor& query, const torch::Tensor& key,
                         const torch::Tensor& value) const;

  AttentionMethod method_;
  kernels::TreeAttentionOptions options_;
  torch::Tensor path_offset_, path_;  // kTree
  torch::Tensor mask_;  // kTorch: [T, A], 0 or -inf, added to scores; undefined: causal
};

}  // namespace serendip
