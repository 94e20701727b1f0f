#include <initializer_list>
#include <string>

#include "kernels/launch.cuh"
#include "kernels/tree_attention.cuh"
#include "kernels/tree_attention_backward_kernel.cuh"
#include "kernels/tree_attention_kernel.cuh"

namespace serendip {
namespace {

using namespace tree_attention_device;

constexpr const char* kOp = "tree_attention";

void check_alignment(const std::string& names, std::initializer_list<const void*> pointers) {
  for (const void* pointer : pointers)
    if (!is_aligned(pointer))
      throw std::runtime_error("tree_attention: " + names +
                               ": expected 16-byte alignment on a GPU");
}

void check_input(const TreeAttentionInput& input) {
  check_range("tree_attention: head_dim", input.shape.head_dim, kWidthMultiple, kMaxWidth);
  if (input.shape.head_dim % kWidthMultiple != 0)
    throw std::runtime_error("tree_attention: head_dim: expected a multiple of 8 on a GPU, got " +
                             std::to_string(input.shape.head_dim));
  check_range("tree_attention: query's rows and heads", input.rows * input.shape.heads, 0,
              INT32_MAX);
  check_range("tree_attention: key's rows and heads", input.key_rows * input.shape.key_value_heads,
              0, INT32_MAX);
  check_alignment("query, key, value", {input.query, input.key, input.value});
}

template <typename Kernel, typename... Arguments>
void launch(Kernel kernel, int64_t blocks, int bytes, cudaStream_t stream,
            const Arguments&... arguments) {
  if (blocks == 0) return;
  check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes), kOp);
  kernel<<<static_cast<unsigned>(blocks), kThreads, static_cast<size_t>(bytes), stream>>>(
      arguments...);
  check_cuda(cudaGetLastError(), kOp);
}

int64_t query_blocks(const TreeAttentionInput& input) {
  const auto [heads, key_heads, width] = input.shape;
  return tiles_of(input.rows * (heads / key_heads), kSide) * key_heads;
}

}  // namespace

void tree_attention_cuda(const TreeAttentionInput& input, void* out, float* log_sum_exp,
                         cudaStream_t stream) {
  check_input(input);
  with_float_type(input.type, [&](auto value) {
    using T = decltype(value);
    const int width = static_cast<int>(input.shape.head_dim);
    launch(tree_attention_kernel<T>, query_blocks(input),
           tile_layout(forward_tile(), width, sizeof(T)).bytes, stream, input, static_cast<T*>(out),
           log_sum_exp);
  });
}

int64_t tree_attention_backward_workspace_bytes(const TreeAttentionInput& input) {
  return (part_grad_count(input, extra_parts_of(input)) + input.rows * input.shape.heads) *
         static_cast<int64_t>(sizeof(float));
}

void tree_attention_backward_cuda(const TreeAttentionInput& input,
                                  const TreeAttentionBackwardInput& grad, void* grad_query,
                                  void* grad_key, void* grad_value, void* workspace,
                                  cudaStream_t stream) {
  check_input(input);
  check_alignment("out, grad_out", {grad.out, grad.grad_out});
  auto* part_grad = static_cast<float*>(workspace);
  const int64_t extra_parts = extra_parts_of(input);
  const Workspace work{part_grad + part_grad_count(input, extra_parts), part_grad, extra_parts};
  const int width = static_cast<int>(input.shape.head_dim);
  const int64_t key_heads = input.shape.key_value_heads;
  with_float_type(input.type, [&](auto value) {
    using T = decltype(value);
    const auto bytes = [&](const TileShape& shape) {
      return tile_layout(shape, width, sizeof(T)).bytes;
    };
    launch(tree_grad_query_kernel<T>, query_blocks(input), bytes(grad_query_tile()), stream, input,
           grad, work, static_cast<T*>(grad_query));
    if (input.key_rows == 0) return;
    launch(tree_grad_key_part_kernel<T>, most_parts(input, extra_parts) * key_heads,
           bytes(grad_key_tile()), stream, input, grad, work);
    launch(tree_grad_key_kernel<T>, input.key_rows * key_heads, 0, stream, input, grad, work,
           static_cast<T*>(grad_key), static_cast<T*>(grad_value));
  });
}

}  // namespace serendip
