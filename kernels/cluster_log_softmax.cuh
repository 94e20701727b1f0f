// The CUDA form of cluster_log_softmax (contract: kernels/cluster_log_softmax.h).
#pragma once

#include <cuda_runtime.h>

#include "kernels/cluster_log_softmax.h"

namespace serendip {

// Bytes of device memory that forward and backward work in; `pairs`: row_offset[B].
int64_t cluster_log_softmax_workspace_bytes(const ClusterSoftmaxTopkInput& input, int64_t pairs);
int64_t cluster_log_softmax_backward_workspace_bytes(const ClusterSoftmaxTopkInput& input,
                                                     int64_t pairs);

// All pointers in device memory, aligned as cluster_softmax_topk_cuda wants them; input.k is 0.
// Targets are trusted. Asynchronous on `stream`; throws std::runtime_error naming what is refused.
void cluster_log_softmax_cuda(const ClusterSoftmaxTopkInput& input, int64_t pairs,
                              const int64_t* target, float* log_prob, float* log_z, void* workspace,
                              cudaStream_t stream);

// grad_query [B, d] and grad_item [items, d], of the embeddings' type, are written whole.
void cluster_log_softmax_backward_cuda(const ClusterSoftmaxTopkInput& input, int64_t pairs,
                                       int64_t items, const ClusterLogSoftmaxBackwardInput& grad,
                                       void* grad_query, void* grad_item, void* workspace,
                                       cudaStream_t stream);

}  // namespace serendip
