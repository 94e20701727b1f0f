#include "kernels/cluster_launch.cuh"
#include "kernels/cluster_softmax_topk.cuh"

namespace serendip {
namespace {

using namespace cluster_softmax_topk_device;

constexpr const char* kOp = "cluster_softmax_topk";

template <typename T, int kSlots>
void launch(const ClusterSoftmaxTopkInput& input, int64_t pairs, const Plan& plan,
            const Workspace& work, const ClusterSoftmaxTopkOutput& output, cudaStream_t stream) {
  launch_groups(kOp, input, plan, work, stream);
  launch_scores<T, kSlots>(kOp, input, pairs, plan, work, stream);
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
  return lay_out(input, pairs, make_plan(input, pairs, shared_memory_limit(kOp)), nullptr, work);
}

void cluster_softmax_topk_cuda(const ClusterSoftmaxTopkInput& input, int64_t pairs,
                               const ClusterSoftmaxTopkOutput& output, void* workspace,
                               cudaStream_t stream) {
  check_range("cluster_softmax_topk: k", input.k, 1, kMaxK);
  check_cluster_input(kOp, input, pairs, workspace);
  if (input.query_count == 0) return;
  const Plan plan = make_plan(input, pairs, shared_memory_limit(kOp));
  Workspace work;
  lay_out(input, pairs, plan, workspace, work);
  with_float_type(input.type, [&](auto value) {
    launch<decltype(value)>(input, pairs, plan, work, output, stream);
  });
}

}  // namespace serendip
