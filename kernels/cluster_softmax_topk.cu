#include <stdexcept>
#include <string>

#include "kernels/cluster_softmax_topk.cuh"
#include "kernels/cluster_softmax_topk_kernel.cuh"

namespace serendip {
namespace {

void check_cuda(cudaError_t status, const char* action) {
  if (status != cudaSuccess)
    throw std::runtime_error(std::string("cluster_softmax_topk: ") + action + ": " +
                             cudaGetErrorString(status));
}

}  // namespace

void cluster_softmax_topk_cuda(const ClusterSoftmaxTopkInput& input,
                               const ClusterSoftmaxTopkOutput& output, cudaStream_t stream) {
  if (input.k < 1 || input.k > kClusterSoftmaxTopkMaxK)
    throw std::runtime_error("cluster_softmax_topk: k: expected 1 to " +
                             std::to_string(kClusterSoftmaxTopkMaxK) + " on a GPU, got " +
                             std::to_string(input.k));
  if (input.query_count == 0) return;
  using namespace cluster_softmax_topk_device;
  const size_t shared_bytes = shared_bytes_of(input.width, input.k);
  constexpr size_t kDefaultSharedBytes = 48 * 1024;
  if (shared_bytes > kDefaultSharedBytes)
    check_cuda(cudaFuncSetAttribute(cluster_softmax_topk_kernel,
                                    cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    static_cast<int>(shared_bytes)),
               "shared memory");
  cluster_softmax_topk_kernel<<<static_cast<unsigned>(input.query_count), kWarps * kWarpSize,
                                shared_bytes, stream>>>(input, output);
  check_cuda(cudaGetLastError(), "launch");
}

}  // namespace serendip
