// The CUDA form of tree_attention (contract: kernels/tree_attention.h).
#pragma once

#include <cuda_runtime.h>

#include "kernels/tree_attention_plan.h"

namespace serendip {

// All pointers in device memory, tensors aligned to 16 bytes. out: [T, H, d] of the input's type;
// log_sum_exp: [T, H]. Paths are trusted. A row's result depends on the other rows by rounding
// alone, and on nothing else from run to run. Asynchronous on `stream`; throws std::runtime_error
// naming what is refused.
void tree_attention_cuda(const TreeAttentionInput& input, void* out, float* log_sum_exp,
                         cudaStream_t stream);

// Bytes of device memory that the backward pass works in.
int64_t tree_attention_backward_workspace_bytes(const TreeAttentionInput& input);

// grad_query [T, H, d], grad_key and grad_value [A, G, d], of the input's type, are written whole.
void tree_attention_backward_cuda(const TreeAttentionInput& input,
                                  const TreeAttentionBackwardInput& grad, void* grad_query,
                                  void* grad_key, void* grad_value, void* workspace,
                                  cudaStream_t stream);

}  // namespace serendip
