#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <torch/autograd.h>
#include <torch/library.h>

#include "kernels/op_checks.h"
#include "kernels/ops.h"
#include "kernels/tree_attention.h"
#ifdef SERENDIP_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "kernels/tree_attention.cuh"
#include "kernels/tree_attention_key_tiles.h"
#endif

namespace serendip {
namespace {

using at::Tensor;
using kernels::TreeAttentionOptions;

constexpr const char* kOp = "tree_attention";
constexpr int64_t kRowsPerTask = 16;
constexpr int64_t kKeyParts = 16;  // of a head's keys in the backward pass

kernels::TreeAttentionShape shape_of(const Tensor& query, const Tensor& key) {
  return {query.size(1), key.size(1), query.size(2)};
}

kernels::TreePaths paths_of(const Tensor& path_offset, const Tensor& path) {
  return {path_offset.const_data_ptr<int64_t>(), path.const_data_ptr<int32_t>()};
}

// On meta what either device takes.
void check_query_type(const Tensor& query) {
  const at::ScalarType type = query.scalar_type();
  const bool wide = type == at::kDouble, narrow = type == at::kBFloat16 || type == at::kHalf;
  TORCH_CHECK(type == at::kFloat || (wide && !query.is_cuda()) || (narrow && !query.is_cpu()), kOp,
              ": query: expected ", query.is_cpu() ? "Float or Double" : "Float, BFloat16 or Half",
              ", got ", type);
}

void check_inputs(const Tensor& query, const Tensor& key, const Tensor& value,
                  const Tensor& path_offset, const Tensor& path, int64_t window) {
  const at::Device device = query.device();
  check_query_type(query);
  check_tensor(kOp, "query", query, query.scalar_type(), 3, device);
  check_tensor(kOp, "key", key, query.scalar_type(), 3, device);
  check_tensor(kOp, "value", value, query.scalar_type(), 3, device);
  check_tensor(kOp, "path_offset", path_offset, at::kLong, 1, device);
  check_tensor(kOp, "path", path, at::kInt, 1, device);
  TORCH_SYM_CHECK(query.sym_size(2).sym_eq(key.sym_size(2)), kOp, ": key: expected width ",
                  query.sym_size(2), ", got ", key.sym_size(2));
  TORCH_SYM_CHECK((query.sym_size(1) % key.sym_size(1)).sym_eq(0), kOp,
                  ": key: expected heads that divide the query's ", query.sym_size(1), ", got ",
                  key.sym_size(1));
  TORCH_CHECK(key.sym_sizes() == value.sym_sizes(), kOp, ": value: expected the key's shape ",
              key.sym_sizes(), ", got ", value.sym_sizes());
  check_length(kOp, "path_offset", path_offset, query.sym_size(0) + 1);
  TORCH_CHECK(window >= 0, kOp, ": window: expected at least 0, got ", window);
}

// [T, H], at least float32.
Tensor log_sum_exp_of(const Tensor& query) {
  const bool wide = query.scalar_type() == at::kDouble;
  return at::empty_symint({query.sym_size(0), query.sym_size(1)},
                          query.options().dtype(wide ? at::kDouble : at::kFloat));
}

std::tuple<Tensor, Tensor> forward_on_cpu(const Tensor& query_, const Tensor& key_,
                                          const Tensor& value_, const Tensor& path_offset_,
                                          const Tensor& path_, double scale, double softcap,
                                          int64_t window) {
  check_inputs(query_, key_, value_, path_offset_, path_, window);
  const Tensor query = query_.contiguous(), key = key_.contiguous(), value = value_.contiguous();
  const Tensor path_offset = path_offset_.contiguous(), path = path_.contiguous();
  check_offsets(kOp, "path_offset", path_offset, path.numel());
  check_indices<int32_t>(kOp, "path", path, key.size(0));
  const TreeAttentionOptions options{scale, softcap, window};
  Tensor out = at::empty_like(query);
  Tensor log_sum_exp = log_sum_exp_of(query);
  AT_DISPATCH_FLOATING_TYPES(query.scalar_type(), kOp, [&] {
    at::parallel_for(0, query.size(0), kRowsPerTask, [&](int64_t begin, int64_t end) {
      kernels::tree_attention_forward<scalar_t>(
          shape_of(query, key), paths_of(path_offset, path), options,
          query.const_data_ptr<scalar_t>(), key.const_data_ptr<scalar_t>(),
          value.const_data_ptr<scalar_t>(), begin, end, out.mutable_data_ptr<scalar_t>(),
          log_sum_exp.mutable_data_ptr<scalar_t>());
    });
  });
  return {out, log_sum_exp};
}

std::tuple<Tensor, Tensor, Tensor> backward_on_cpu(const Tensor& grad_out_, const Tensor& query_,
                                                   const Tensor& key_, const Tensor& value_,
                                                   const Tensor& path_offset_, const Tensor& path_,
                                                   const Tensor& out, const Tensor& log_sum_exp,
                                                   double scale, double softcap, int64_t window) {
  const Tensor grad_out = grad_out_.contiguous();
  const Tensor query = query_.contiguous(), key = key_.contiguous(), value = value_.contiguous();
  const Tensor path_offset = path_offset_.contiguous(), path = path_.contiguous();
  const TreeAttentionOptions options{scale, softcap, window};
  Tensor grad_query = at::empty_like(query), grad_key = at::zeros_like(key),
         grad_value = at::zeros_like(value);
  AT_DISPATCH_FLOATING_TYPES(query.scalar_type(), "tree_attention_backward", [&] {
    const kernels::TreeAttentionShape shape = shape_of(query, key);
    const kernels::TreePaths paths = paths_of(path_offset, path);
    Tensor weight = at::empty({path.numel(), shape.heads}, query.options());
    Tensor grad_score = at::empty_like(weight);
    const kernels::TreeAttentionScores<scalar_t> scores{weight.mutable_data_ptr<scalar_t>(),
                                                        grad_score.mutable_data_ptr<scalar_t>()};
    at::parallel_for(0, query.size(0), kRowsPerTask, [&](int64_t begin, int64_t end) {
      kernels::tree_attention_backward_rows<scalar_t>(
          shape, paths, options, query.const_data_ptr<scalar_t>(), key.const_data_ptr<scalar_t>(),
          value.const_data_ptr<scalar_t>(), out.const_data_ptr<scalar_t>(),
          log_sum_exp.const_data_ptr<scalar_t>(), grad_out.const_data_ptr<scalar_t>(), begin, end,
          grad_query.mutable_data_ptr<scalar_t>(), scores);
    });
    at::parallel_for(0, shape.key_value_heads * kKeyParts, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task)
        kernels::tree_attention_backward_keys<scalar_t>(
            shape, paths, query.const_data_ptr<scalar_t>(), grad_out.const_data_ptr<scalar_t>(),
            scores, query.size(0), task / kKeyParts, task % kKeyParts, kKeyParts,
            grad_key.mutable_data_ptr<scalar_t>(), grad_value.mutable_data_ptr<scalar_t>());
    });
  });
  return {grad_query, grad_key, grad_value};
}

std::tuple<Tensor, Tensor> forward_on_meta(const Tensor& query, const Tensor& key,
                                           const Tensor& value, const Tensor& path_offset,
                                           const Tensor& path, double /*scale*/, double /*softcap*/,
                                           int64_t window) {
  check_inputs(query, key, value, path_offset, path, window);
  return {at::empty_like(query, at::MemoryFormat::Contiguous), log_sum_exp_of(query)};
}

std::tuple<Tensor, Tensor, Tensor> backward_on_meta(const Tensor& /*grad_out*/, const Tensor& query,
                                                    const Tensor& key, const Tensor& value,
                                                    const Tensor&, const Tensor&, const Tensor&,
                                                    const Tensor&, double, double, int64_t) {
  const auto like = [](const Tensor& tensor) {
    return at::empty_like(tensor, at::MemoryFormat::Contiguous);
  };
  return {like(query), like(key), like(value)};
}

#ifdef SERENDIP_CUDA
// All of them contiguous.
TreeAttentionInput cuda_input(const Tensor& query, const Tensor& key, const Tensor& value,
                              const Tensor& path_offset, const Tensor& path,
                              const TreeAttentionOptions& options) {
  return {query.const_data_ptr(),
          key.const_data_ptr(),
          value.const_data_ptr(),
          float_type_of(kOp, "query", query),
          query.size(0),
          key.size(0),
          shape_of(query, key),
          paths_of(path_offset, path),
          options};
}

std::tuple<Tensor, Tensor> forward_on_cuda(const Tensor& query_, const Tensor& key_,
                                           const Tensor& value_, const Tensor& path_offset_,
                                           const Tensor& path_, double scale, double softcap,
                                           int64_t window) {
  const c10::cuda::CUDAGuard guard(query_.device());
  check_inputs(query_, key_, value_, path_offset_, path_, window);
  const Tensor query = query_.contiguous(), key = key_.contiguous(), value = value_.contiguous();
  const Tensor path_offset = path_offset_.contiguous(), path = path_.contiguous();
  Tensor out = at::empty_like(query), log_sum_exp = log_sum_exp_of(query);
  tree_attention_cuda(cuda_input(query, key, value, path_offset, path, {scale, softcap, window}),
                      out.mutable_data_ptr(), log_sum_exp.mutable_data_ptr<float>(),
                      c10::cuda::getCurrentCUDAStream().stream());
  return {out, log_sum_exp};
}

std::tuple<Tensor, Tensor, Tensor> backward_on_cuda(const Tensor& grad_out_, const Tensor& query_,
                                                    const Tensor& key_, const Tensor& value_,
                                                    const Tensor& path_offset_, const Tensor& path_,
                                                    const Tensor& out, const Tensor& log_sum_exp,
                                                    double scale, double softcap, int64_t window) {
  const c10::cuda::CUDAGuard guard(query_.device());
  const Tensor grad_out = grad_out_.contiguous();
  const Tensor query = query_.contiguous(), key = key_.contiguous(), value = value_.contiguous();
  const Tensor path_offset = path_offset_.contiguous(), path = path_.contiguous();
  const TreeAttentionInput input =
      cuda_input(query, key, value, path_offset, path, {scale, softcap, window});
  const KeyTileTensors key_tiles(path_offset, path, key.size(0), window);
  const Tensor workspace =
      at::empty({tree_attention_backward_workspace_bytes(input)}, query.options().dtype(at::kByte));
  Tensor grad_query = at::empty_like(query), grad_key = at::empty_like(key),
         grad_value = at::empty_like(value);
  tree_attention_backward_cuda(input,
                               {out.const_data_ptr(), grad_out.const_data_ptr(),
                                log_sum_exp.const_data_ptr<float>(), key_tiles.view()},
                               grad_query.mutable_data_ptr(), grad_key.mutable_data_ptr(),
                               grad_value.mutable_data_ptr(), workspace.mutable_data_ptr(),
                               c10::cuda::getCurrentCUDAStream().stream());
  return {grad_query, grad_key, grad_value};
}
#endif

std::tuple<Tensor, Tensor> call_forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                        const Tensor& path_offset, const Tensor& path, double scale,
                                        double softcap, int64_t window) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("serendip::tree_attention", "")
                             .typed<decltype(call_forward)>();
  return op.call(query, key, value, path_offset, path, scale, softcap, window);
}

std::tuple<Tensor, Tensor, Tensor> call_backward(const Tensor& grad_out, const Tensor& query,
                                                 const Tensor& key, const Tensor& value,
                                                 const Tensor& path_offset, const Tensor& path,
                                                 const Tensor& out, const Tensor& log_sum_exp,
                                                 double scale, double softcap, int64_t window) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("serendip::tree_attention_backward", "")
                             .typed<decltype(call_backward)>();
  return op.call(grad_out, query, key, value, path_offset, path, out, log_sum_exp, scale, softcap,
                 window);
}

class TreeAttention : public torch::autograd::Function<TreeAttention> {
 public:
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                const Tensor& query, const Tensor& key,
                                                const Tensor& value, const Tensor& path_offset,
                                                const Tensor& path, double scale, double softcap,
                                                int64_t window) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const auto [out, log_sum_exp] =
        call_forward(query, key, value, path_offset, path, scale, softcap, window);
    context->save_for_backward({query, key, value, path_offset, path, out, log_sum_exp});
    context->mark_non_differentiable({log_sum_exp});
    context->saved_data["scale"] = scale;
    context->saved_data["softcap"] = softcap;
    context->saved_data["window"] = window;
    return {out, log_sum_exp};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grads) {
    const auto saved = context->get_saved_variables();
    const auto [grad_query, grad_key, grad_value] = call_backward(
        grads[0], saved[0], saved[1], saved[2], saved[3], saved[4], saved[5], saved[6],
        context->saved_data["scale"].toDouble(), context->saved_data["softcap"].toDouble(),
        context->saved_data["window"].toInt());
    return {grad_query, grad_key, grad_value, Tensor(), Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

std::tuple<Tensor, Tensor> with_autograd(const Tensor& query, const Tensor& key,
                                         const Tensor& value, const Tensor& path_offset,
                                         const Tensor& path, double scale, double softcap,
                                         int64_t window) {
  const auto outputs =
      TreeAttention::apply(query, key, value, path_offset, path, scale, softcap, window);
  return {outputs[0], outputs[1]};
}

}  // namespace

Tensor tree_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                      const Tensor& path_offset, const Tensor& path,
                      const TreeAttentionOptions& options) {
  return std::get<0>(call_forward(query, key, value, path_offset, path, options.scale,
                                  options.softcap, options.window));
}

TORCH_LIBRARY_FRAGMENT(serendip, library) {
  library.def(
      "tree_attention(Tensor query, Tensor key, Tensor value, Tensor path_offset, Tensor path, "
      "float scale, float softcap=0., int window=0) -> (Tensor out, Tensor log_sum_exp)");
  library.def(
      "tree_attention_backward(Tensor grad_out, Tensor query, Tensor key, Tensor value, "
      "Tensor path_offset, Tensor path, Tensor out, Tensor log_sum_exp, float scale, "
      "float softcap, int window) -> (Tensor grad_query, Tensor grad_key, Tensor grad_value)");
}

TORCH_LIBRARY_IMPL(serendip, CPU, library) {
  library.impl("tree_attention", forward_on_cpu);
  library.impl("tree_attention_backward", backward_on_cpu);
}
TORCH_LIBRARY_IMPL(serendip, Meta, library) {
  library.impl("tree_attention", forward_on_meta);
  library.impl("tree_attention_backward", backward_on_meta);
}
TORCH_LIBRARY_IMPL(serendip, Autograd, library) { library.impl("tree_attention", with_autograd); }
#ifdef SERENDIP_CUDA
TORCH_LIBRARY_IMPL(serendip, CUDA, library) {
  library.impl("tree_attention", forward_on_cuda);
  library.impl("tree_attention_backward", backward_on_cuda);
}
#endif

}  // namespace serendip
