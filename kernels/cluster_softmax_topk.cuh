// The CUDA form of cluster_softmax_topk (contract: kernels/cluster_softmax_topk.h).
#pragma once

#include <cuda_runtime.h>

#include "kernels/cluster_softmax_topk.h"

namespace serendip {

// Bytes of device memory that a call with `pairs` = row_offset[B] named clusters works in.
int64_t cluster_softmax_topk_workspace_bytes(const ClusterSoftmaxTopkInput& input, int64_t pairs);

// All pointers in device memory, query, item_embedding and workspace 16-byte aligned; d a multiple
// of 8 up to 512, k at most 256. Asynchronous on `stream`; throws std::runtime_error naming what is
// refused, expected and actual. Offsets are trusted; a cluster that does not exist counts as empty.
void cluster_softmax_topk_cuda(const ClusterSoftmaxTopkInput& input, int64_t pairs,
                               const ClusterSoftmaxTopkOutput& output, void* workspace,
                               cudaStream_t stream);

}  // namespace serendip
