#include "kernels/cluster_launch.cuh"
#include "kernels/cluster_log_softmax.cuh"
#include "kernels/cluster_log_softmax_kernel.cuh"

namespace serendip {
namespace {

namespace forward = cluster_softmax_topk_device;
using namespace cluster_log_softmax_device;

constexpr const char* kOp = "cluster_log_softmax";

template <typename T>
void launch_forward(const ClusterSoftmaxTopkInput& input, int64_t pairs, const Plan& plan,
                    const Workspace& work, const int64_t* target, float* log_prob, float* log_z,
                    cudaStream_t stream) {
  forward::launch_scores<T, 0>(kOp, input, pairs, plan, work, stream);
  log_prob_kernel<T><<<static_cast<unsigned>(input.query_count), kWarpSize, 0, stream>>>(
      input, plan, work, target, log_prob, log_z);
  check_cuda(cudaGetLastError(), kOp);
}

template <typename T>
void launch_backward(const ClusterSoftmaxTopkInput& input, int64_t pairs, int64_t items,
                     const Plan& plan, const Workspace& work, float* part_grad,
                     const ClusterLogSoftmaxBackwardInput& grad, T* grad_query, T* grad_item,
                     cudaStream_t stream) {
  if (items > 0) {
    const int bytes = tile_layout(plan, kItems, sizeof(T)).bytes;
    forward::allow_shared(kOp, grad_item_kernel<T>, bytes);
    grad_item_kernel<T><<<static_cast<unsigned>(items / kItems + input.cluster_count), kThreads,
                          static_cast<size_t>(bytes), stream>>>(input, plan, work, grad, grad_item);
    check_cuda(cudaGetLastError(), kOp);
  }
  if (const int64_t units = forward::most_units(input, pairs, plan); units > 0) {
    const int bytes = tile_layout(plan, kQueries, sizeof(T)).bytes;
    forward::allow_shared(kOp, grad_part_kernel<T>, bytes);
    grad_part_kernel<T>
        <<<static_cast<unsigned>(units), kThreads, static_cast<size_t>(bytes), stream>>>(
            input, plan, work, grad, part_grad);
    check_cuda(cudaGetLastError(), kOp);
  }
  if (input.query_count == 0) return;
  grad_query_kernel<T><<<static_cast<unsigned>(input.query_count), kThreads, 0, stream>>>(
      input, plan, work, grad, part_grad, grad_query);
  check_cuda(cudaGetLastError(), kOp);
}

}  // namespace

int64_t cluster_log_softmax_workspace_bytes(const ClusterSoftmaxTopkInput& input, int64_t pairs) {
  Workspace work;
  return forward::lay_out(input, pairs, forward::make_plan(input, pairs, shared_memory_limit(kOp)),
                          nullptr, work);
}

int64_t cluster_log_softmax_backward_workspace_bytes(const ClusterSoftmaxTopkInput& input,
                                                     int64_t pairs) {
  Workspace work;
  const Plan plan = backward_plan(input, pairs);
  return forward::lay_out(input, pairs, plan, nullptr, work) +
         pairs * plan.splits * input.width * static_cast<int64_t>(sizeof(float));
}

void cluster_log_softmax_cuda(const ClusterSoftmaxTopkInput& input, int64_t pairs,
                              const int64_t* target, float* log_prob, float* log_z, void* workspace,
                              cudaStream_t stream) {
  forward::check_cluster_input(kOp, input, pairs, workspace);
  if (input.query_count == 0) return;
  const Plan plan = forward::make_plan(input, pairs, shared_memory_limit(kOp));
  Workspace work;
  forward::lay_out(input, pairs, plan, workspace, work);
  forward::launch_groups(kOp, input, plan, work, stream);
  with_float_type(input.type, [&](auto value) {
    launch_forward<decltype(value)>(input, pairs, plan, work, target, log_prob, log_z, stream);
  });
}

void cluster_log_softmax_backward_cuda(const ClusterSoftmaxTopkInput& input, int64_t pairs,
                                       int64_t items, const ClusterLogSoftmaxBackwardInput& grad,
                                       void* grad_query, void* grad_item, void* workspace,
                                       cudaStream_t stream) {
  forward::check_cluster_input(kOp, input, pairs, workspace);
  const Plan plan = backward_plan(input, pairs);
  Workspace work;
  const int64_t group_bytes = forward::lay_out(input, pairs, plan, workspace, work);
  auto* part_grad = reinterpret_cast<float*>(static_cast<char*>(workspace) + group_bytes);
  forward::launch_groups(kOp, input, plan, work, stream);
  with_float_type(input.type, [&](auto value) {
    using T = decltype(value);
    launch_backward<T>(input, pairs, items, plan, work, part_grad, grad,
                       static_cast<T*>(grad_query), static_cast<T*>(grad_item), stream);
  });
}

}  // namespace serendip
