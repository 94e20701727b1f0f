#include "kernels/cluster_log_softmax.cuh"
#include "kernels/cluster_log_softmax_kernel.cuh"
#include "kernels/launch.cuh"

namespace serendip {
namespace {

namespace forward = cluster_softmax_topk_device;
using namespace cluster_log_softmax_device;

constexpr const char* kOp = "cluster_log_softmax";

void check_input(const ClusterSoftmaxTopkInput& input, int64_t pairs, const void* workspace) {
  check_range("cluster_log_softmax: width", input.width, forward::kWidthMultiple,
              forward::kMaxWidth);
  if (input.width % forward::kWidthMultiple != 0)
    throw std::runtime_error("cluster_log_softmax: width: expected a multiple of 8 on a GPU, got " +
                             std::to_string(input.width));
  check_range("cluster_log_softmax: row_cluster's length", pairs, 0, INT32_MAX);
  for (const void* pointer : {input.query, input.item_embedding, workspace})
    if (!is_aligned(pointer))
      throw std::runtime_error(
          "cluster_log_softmax: query, item_embedding: expected 16-byte alignment on a GPU");
}

void launch_groups(const ClusterSoftmaxTopkInput& input, const Plan& plan, const Workspace& work,
                   cudaStream_t stream) {
  forward::
      group_kernel<<<1, forward::kGroupThreads, (forward::kGroupWarps + 1) * sizeof(int), stream>>>(
          input, plan, work);
  check_cuda(cudaGetLastError(), kOp);
}

template <typename Kernel>
void allow_shared(Kernel kernel, int bytes) {
  check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes), kOp);
}

template <typename T>
void launch_forward(const ClusterSoftmaxTopkInput& input, int64_t pairs, const Plan& plan,
                    const Workspace& work, const int64_t* target, float* log_prob, float* log_z,
                    cudaStream_t stream) {
  if (const int64_t units = forward::most_units(input, pairs, plan); units > 0) {
    const int bytes = forward::shared_layout(plan, sizeof(T)).bytes;
    allow_shared(forward::score_kernel<T, 0>, bytes);
    forward::score_kernel<T, 0><<<static_cast<unsigned>(units), forward::kScoreThreads,
                                  static_cast<size_t>(bytes), stream>>>(input, plan, work);
    check_cuda(cudaGetLastError(), kOp);
  }
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
    allow_shared(grad_item_kernel<T>, bytes);
    grad_item_kernel<T><<<static_cast<unsigned>(items / kItems + input.cluster_count), kThreads,
                          static_cast<size_t>(bytes), stream>>>(input, plan, work, grad, grad_item);
    check_cuda(cudaGetLastError(), kOp);
  }
  if (const int64_t units = forward::most_units(input, pairs, plan); units > 0) {
    const int bytes = tile_layout(plan, kQueries, sizeof(T)).bytes;
    allow_shared(grad_part_kernel<T>, bytes);
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
  check_input(input, pairs, workspace);
  if (input.query_count == 0) return;
  const Plan plan = forward::make_plan(input, pairs, shared_memory_limit(kOp));
  Workspace work;
  forward::lay_out(input, pairs, plan, workspace, work);
  launch_groups(input, plan, work, stream);
  with_float_type(input.type, [&](auto value) {
    launch_forward<decltype(value)>(input, pairs, plan, work, target, log_prob, log_z, stream);
  });
}

void cluster_log_softmax_backward_cuda(const ClusterSoftmaxTopkInput& input, int64_t pairs,
                                       int64_t items, const ClusterLogSoftmaxBackwardInput& grad,
                                       void* grad_query, void* grad_item, void* workspace,
                                       cudaStream_t stream) {
  check_input(input, pairs, workspace);
  const Plan plan = backward_plan(input, pairs);
  Workspace work;
  const int64_t group_bytes = forward::lay_out(input, pairs, plan, workspace, work);
  auto* part_grad = reinterpret_cast<float*>(static_cast<char*>(workspace) + group_bytes);
  launch_groups(input, plan, work, stream);
  with_float_type(input.type, [&](auto value) {
    using T = decltype(value);
    launch_backward<T>(input, pairs, items, plan, work, part_grad, grad,
                       static_cast<T*>(grad_query), static_cast<T*>(grad_item), stream);
  });
}

}  // namespace serendip
