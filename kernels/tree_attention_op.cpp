#include "kernels/tree_attention_op.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

namespace serendip {
namespace {

using kernels::TreeAttentionOptions;
using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr int64_t kRowsPerTask = 16;

kernels::TreeAttentionShape shape_of(const Tensor& query, const Tensor& key) {
  return {query.size(1), key.size(1), query.size(2)};
}

kernels::TreePaths paths_of(const Tensor& path_offset, const Tensor& path) {
  return {path_offset.const_data_ptr<int64_t>(), path.const_data_ptr<int32_t>()};
}

std::pair<Tensor, Tensor> forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                  const Tensor& path_offset, const Tensor& path,
                                  const TreeAttentionOptions& options) {
  TORCH_CHECK(
      query.dim() == 3 && key.dim() == 3 && key.sizes() == value.sizes() &&
          query.size(2) == key.size(2) && query.size(1) % key.size(1) == 0,
      "tree_attention: expected query [T, H, d], key and value [A, G, d], G dividing H; got ",
      query.sizes(), ", ", key.sizes(), ", ", value.sizes());
  TORCH_CHECK(path_offset.numel() == query.size(0) + 1, "tree_attention: expected ",
              query.size(0) + 1, " path offsets, got ", path_offset.numel());
  TORCH_CHECK(query.is_contiguous() && key.is_contiguous() && value.is_contiguous(),
              "tree_attention: expected contiguous tensors");
  Tensor out = torch::empty_like(query);
  Tensor log_sum_exp = torch::empty({query.size(0), query.size(1)}, query.options());
  AT_DISPATCH_FLOATING_TYPES(query.scalar_type(), "tree_attention", [&] {
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

class TreeAttention : public torch::autograd::Function<TreeAttention> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& query, const Tensor& key,
                        const Tensor& value, const Tensor& path_offset, const Tensor& path,
                        const TreeAttentionOptions& options) {
    auto [out, log_sum_exp] = serendip::forward(query, key, value, path_offset, path, options);
    context->save_for_backward({query, key, value, path_offset, path, out, log_sum_exp});
    context->saved_data["scale"] = options.scale;
    context->saved_data["softcap"] = options.softcap;
    context->saved_data["window"] = options.window;
    return out;
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const tensor_list saved = context->get_saved_variables();
    const Tensor &query = saved[0], &key = saved[1], &value = saved[2], &path_offset = saved[3],
                 &path = saved[4], &out = saved[5], &log_sum_exp = saved[6];
    const TreeAttentionOptions options{context->saved_data["scale"].toDouble(),
                                       context->saved_data["softcap"].toDouble(),
                                       context->saved_data["window"].toInt()};
    const Tensor grad_out = grads[0].contiguous();
    Tensor grad_query = torch::empty_like(query), grad_key = torch::zeros_like(key),
           grad_value = torch::zeros_like(value);
    AT_DISPATCH_FLOATING_TYPES(query.scalar_type(), "tree_attention_backward", [&] {
      at::parallel_for(0, key.size(1), 1, [&](int64_t begin, int64_t end) {
        for (int64_t head = begin; head < end; ++head)
          kernels::tree_attention_backward<scalar_t>(
              shape_of(query, key), paths_of(path_offset, path), options,
              query.const_data_ptr<scalar_t>(), key.const_data_ptr<scalar_t>(),
              value.const_data_ptr<scalar_t>(), out.const_data_ptr<scalar_t>(),
              log_sum_exp.const_data_ptr<scalar_t>(), grad_out.const_data_ptr<scalar_t>(),
              query.size(0), head, grad_query.mutable_data_ptr<scalar_t>(),
              grad_key.mutable_data_ptr<scalar_t>(), grad_value.mutable_data_ptr<scalar_t>());
      });
    });
    return {grad_query, grad_key, grad_value, Tensor(), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor tree_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                      const Tensor& path_offset, const Tensor& path,
                      const TreeAttentionOptions& options) {
  if (torch::GradMode::is_enabled() &&
      (query.requires_grad() || key.requires_grad() || value.requires_grad()))
    return TreeAttention::apply(query, key, value, path_offset, path, options);
  return forward(query, key, value, path_offset, path, options).first;
}

}  // namespace serendip
