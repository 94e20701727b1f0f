// The CUDA form of cluster_softmax_topk (contract: kernels/cluster_softmax_topk.h).
#pragma once

#include <cuda_runtime.h>

#include "kernels/cluster_softmax_topk.h"

namespace serendip {

// All pointers in device memory. At most kClusterSoftmaxTopkMaxK results a row. Asynchronous on
// `stream`; throws std::runtime_error when k, d or the launch is refused. cluster_offset,
// row_offset and row_cluster are trusted.
constexpr int64_t kClusterSoftmaxTopkMaxK = 256;
void cluster_softmax_topk_cuda(const ClusterSoftmaxTopkInput& input,
                               const ClusterSoftmaxTopkOutput& output, cudaStream_t stream);

}  // namespace serendip
