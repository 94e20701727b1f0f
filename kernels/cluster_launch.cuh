// What the launchers of kernels over interest clusters share; `op` names the op in errors.
#pragma once

#include "kernels/cluster_softmax_topk_kernel.cuh"
#include "kernels/launch.cuh"

namespace serendip::cluster_softmax_topk_device {

inline void check_cluster_input(const std::string& op, const ClusterSoftmaxTopkInput& input,
                                int64_t pairs, const void* workspace) {
  check_range((op + ": width").c_str(), input.width, kWidthMultiple, kMaxWidth);
  if (input.width % kWidthMultiple != 0)
    throw std::runtime_error(op + ": width: expected a multiple of 8 on a GPU, got " +
                             std::to_string(input.width));
  check_range((op + ": row_cluster's length").c_str(), pairs, 0, INT32_MAX);
  for (const void* pointer : {input.query, input.item_embedding, workspace})
    if (!is_aligned(pointer))
      throw std::runtime_error(op + ": query, item_embedding: expected 16-byte alignment on a GPU");
}

inline void launch_groups(const std::string& op, const ClusterSoftmaxTopkInput& input,
                          const Plan& plan, const Workspace& work, cudaStream_t stream) {
  group_kernel<<<1, kGroupThreads, kGroupSharedBytes, stream>>>(input, plan, work);
  check_cuda(cudaGetLastError(), (op + ": group_kernel").c_str());
}

template <typename Kernel>
void allow_shared(const std::string& op, Kernel kernel, int bytes) {
  check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
             (op + ": shared memory").c_str());
}

template <typename T, int kSlots>
void launch_scores(const std::string& op, const ClusterSoftmaxTopkInput& input, int64_t pairs,
                   const Plan& plan, const Workspace& work, cudaStream_t stream) {
  const int64_t units = most_units(input, pairs, plan);
  if (units == 0) return;
  const int bytes = shared_layout(plan, sizeof(T)).bytes;
  allow_shared(op, score_kernel<T, kSlots>, bytes);
  score_kernel<T, kSlots>
      <<<static_cast<unsigned>(units), kScoreThreads, static_cast<size_t>(bytes), stream>>>(
          input, plan, work);
  check_cuda(cudaGetLastError(), (op + ": score_kernel").c_str());
}

}  // namespace serendip::cluster_softmax_topk_device
