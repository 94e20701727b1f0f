#include "kernels/cluster_softmax_topk.cuh"
#include "kernels/cluster_softmax_topk_kernel.cuh"
#include "kernels/launch.cuh"

namespace serendip {
namespace {

using namespace cluster_softmax_topk_device;

void check_input(const ClusterSoftmaxTopkInput& input, int64_t pairs, const void* workspace) {
  check_range("cluster_softmax_topk: k", input.k, 1, kMaxK);
  check_range("cluster_softmax_topk: width", input.width, kWidthMultiple, kMaxWidth);
  if (input.width % kWidthMultiple != 0)
    throw std::runtime_error(
        "cluster_softmax_topk: width: expected a multiple of 8 on a GPU, got " +
        std::to_string(input.width));
  check_range("cluster_softmax_topk: row_cluster's length", pairs, 0, INT32_MAX);
  for (const void* pointer : {input.query, input.item_embedding, workspace})
    if (!is_aligned(pointer))
      throw std::runtime_error(
          "cluster_softmax_topk: query, item_embedding: expected 16-byte alignment on a GPU");
}

template <typename T, int kSlots>
void launch(const ClusterSoftmaxTopkInput& input, int64_t pairs, const Plan& plan,
            const Workspace& work, const ClusterSoftmaxTopkOutput& output, cudaStream_t stream) {
  group_kernel<<<1, kGroupThreads, (kGroupWarps + 1) * sizeof(int), stream>>>(input, plan, work);
  check_cuda(cudaGetLastError(), "cluster_softmax_topk: group_kernel");
  const int64_t units = most_units(input, pairs, plan);
  if (units > 0) {
    const int bytes = shared_layout(plan, sizeof(T)).bytes;
    check_cuda(cudaFuncSetAttribute(score_kernel<T, kSlots>,
                                    cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
               "cluster_softmax_topk: shared memory");
    score_kernel<T, kSlots>
        <<<static_cast<unsigned>(units), kScoreThreads, static_cast<size_t>(bytes), stream>>>(
            input, plan, work);
    check_cuda(cudaGetLastError(), "cluster_softmax_topk: score_kernel");
  }
  merge_kernel<kSlots><<<static_cast<unsigned>(input.query_count), kMergeThreads, 0, stream>>>(
      input, plan, work, output);
  check_cuda(cudaGetLastError(), "cluster_softmax_topk: merge_kernel");
}

template <typename T>
void launch(const ClusterSoftmaxTopkInput& input, int64_t pairs, const Plan& plan,
            const Workspace& work, const ClusterSoftmaxTopkOutput& output, cudaStream_t stream) {
  if (input.k <= kWarpSize)
    launch<T, 1>(input, pairs, plan, work, output, stream);
  else
    launch<T, kMaxK / kWarpSize>(input, pairs, plan, work, output, stream);
}

}  // namespace

int64_t cluster_softmax_topk_workspace_bytes(const ClusterSoftmaxTopkInput& input, int64_t pairs) {
  Workspace work;
  return lay_out(input, pairs, make_plan(input, pairs, shared_memory_limit("cluster_softmax_topk")),
                 nullptr, work);
}

void cluster_softmax_topk_cuda(const ClusterSoftmaxTopkInput& input, int64_t pairs,
                               const ClusterSoftmaxTopkOutput& output, void* workspace,
                               cudaStream_t stream) {
  check_input(input, pairs, workspace);
  if (input.query_count == 0) return;
  const Plan plan = make_plan(input, pairs, shared_memory_limit("cluster_softmax_topk"));
  Workspace work;
  lay_out(input, pairs, plan, workspace, work);
  with_float_type(input.type, [&](auto value) {
    launch<decltype(value)>(input, pairs, plan, work, output, stream);
  });
}

}  // namespace serendip
