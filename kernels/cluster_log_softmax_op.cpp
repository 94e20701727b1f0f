#include <torch/autograd.h>
#include <torch/library.h>
#include <torch/utils.h>

#include "kernels/cluster_arguments.h"
#include "kernels/cluster_log_softmax.h"
#include "kernels/op_checks.h"
#include "kernels/ops.h"
#ifdef SERENDIP_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "kernels/cluster_log_softmax.cuh"
#endif

namespace serendip {
namespace {

using at::Tensor;
using Pair = std::tuple<Tensor, Tensor>;

constexpr const char* kOp = "cluster_log_softmax";

ClusterArguments arguments_of(const Tensor& query, const Tensor& item_embedding,
                              const Tensor& cluster_offset, const Tensor& row_offset,
                              const Tensor& row_cluster, const Tensor& target) {
  ClusterArguments arguments(kOp, query, item_embedding, cluster_offset, row_offset, row_cluster);
  check_tensor(kOp, "target", target, at::kLong, 1, query.device());
  check_length(kOp, "target", target, query.sym_size(0));
  return arguments;
}

// ---- CPU: a product a cluster, all its rows at once
// ----------------------------------------------

// The rows that name each cluster, once each.
std::vector<std::vector<int64_t>> rows_by_cluster(const ClusterArguments& arguments) {
  std::vector<std::vector<int64_t>> rows(static_cast<size_t>(arguments.cluster_offset.numel() - 1));
  const auto* offset = arguments.row_offset.const_data_ptr<int64_t>();
  const auto* named = arguments.row_cluster.const_data_ptr<int64_t>();
  for (int64_t row = 0; row + 1 < arguments.row_offset.numel(); ++row)
    for (int64_t at = offset[row]; at < offset[row + 1]; ++at) {
      std::vector<int64_t>& mine = rows[static_cast<size_t>(named[at])];
      if (mine.empty() || mine.back() != row) mine.push_back(row);
    }
  return rows;
}

// Calls visit(first item, items [I, d], rows i64 [R], queries [R, d]) in float32 for every cluster
// that has items and is named.
template <typename Visit>
void for_each_cluster(const ClusterArguments& arguments, const Visit& visit) {
  const std::vector<std::vector<int64_t>> rows = rows_by_cluster(arguments);
  const auto* offset = arguments.cluster_offset.const_data_ptr<int64_t>();
  for (size_t cluster = 0; cluster < rows.size(); ++cluster) {
    const int64_t count = offset[cluster + 1] - offset[cluster];
    if (rows[cluster].empty() || count == 0) continue;
    const Tensor chosen = torch::tensor(rows[cluster], at::kLong);
    visit(offset[cluster],
          arguments.item_embedding.narrow(0, offset[cluster], count).to(at::kFloat), chosen,
          arguments.query.index_select(0, chosen).to(at::kFloat));
  }
}

// Every target must be -1 or an item of its row's clusters.
void check_targets(const ClusterArguments& arguments, const Tensor& target) {
  const auto* offset = arguments.row_offset.const_data_ptr<int64_t>();
  const auto* named = arguments.row_cluster.const_data_ptr<int64_t>();
  const auto* begin = arguments.cluster_offset.const_data_ptr<int64_t>();
  const auto* items = target.const_data_ptr<int64_t>();
  for (int64_t row = 0; row < target.numel(); ++row) {
    bool found = items[row] == -1;
    for (int64_t at = offset[row]; at < offset[row + 1]; ++at)
      found = found || (begin[named[at]] <= items[row] && items[row] < begin[named[at] + 1]);
    TORCH_CHECK(found, kOp, ": target[", row,
                "]: expected -1 or an item of the row's clusters, got ", items[row]);
  }
}

Pair forward_on_cpu(const Tensor& query, const Tensor& item_embedding, const Tensor& cluster_offset,
                    const Tensor& row_offset, const Tensor& row_cluster, const Tensor& target) {
  const torch::NoGradGuard no_grad;
  const ClusterArguments arguments =
      arguments_of(query, item_embedding, cluster_offset, row_offset, row_cluster, target);
  arguments.check_values(kOp);
  const Tensor targets = target.contiguous();
  check_targets(arguments, targets);
  Tensor log_z = at::full({query.size(0)}, -INFINITY, query.options().dtype(at::kFloat));
  for_each_cluster(arguments,
                   [&](int64_t, const Tensor& items, const Tensor& rows, const Tensor& queries) {
                     const Tensor mine = at::mm(queries, items.t()).logsumexp(1);
                     log_z.index_copy_(0, rows, at::logaddexp(log_z.index_select(0, rows), mine));
                   });
  const Tensor wanted = targets.ge(0);
  const Tensor target_items =
      item_embedding.size(0) > 0
          ? arguments.item_embedding.index_select(0, targets.clamp_min(0)).to(at::kFloat)
          : at::zeros_like(arguments.query, at::kFloat);
  const Tensor score = (arguments.query.to(at::kFloat) * target_items).sum(1);
  return {at::where(wanted, score - log_z, at::zeros_like(log_z)), log_z};
}

Pair backward_on_cpu(const Tensor& grad_log_prob, const Tensor& grad_log_z, const Tensor& query,
                     const Tensor& item_embedding, const Tensor& cluster_offset,
                     const Tensor& row_offset, const Tensor& row_cluster, const Tensor& target,
                     const Tensor& log_z) {
  const ClusterArguments arguments =
      arguments_of(query, item_embedding, cluster_offset, row_offset, row_cluster, target);
  const Tensor wanted = target.ge(0);
  const Tensor target_weight = at::where(wanted, grad_log_prob, at::zeros_like(grad_log_prob));
  const Tensor softmax_weight = grad_log_z - target_weight;
  Tensor grad_query = at::zeros_like(arguments.query, at::kFloat);
  Tensor grad_item = at::zeros_like(arguments.item_embedding, at::kFloat);
  for_each_cluster(arguments, [&](int64_t first, const Tensor& items, const Tensor& rows,
                                  const Tensor& queries) {
    const Tensor weight = at::mm(queries, items.t())
                              .sub_(log_z.index_select(0, rows).unsqueeze(1))
                              .exp_()
                              .mul_(softmax_weight.index_select(0, rows).unsqueeze(1));
    grad_query.index_add_(0, rows, at::mm(weight, items));
    grad_item.narrow(0, first, items.size(0)).addmm_(weight.t(), queries);
  });
  const Tensor rows = wanted.nonzero().squeeze(1), chosen = target.index_select(0, rows);
  const Tensor weight = target_weight.index_select(0, rows).unsqueeze(1);
  grad_query.index_add_(0, rows,
                        weight * arguments.item_embedding.index_select(0, chosen).to(at::kFloat));
  grad_item.index_add_(0, chosen, weight * arguments.query.index_select(0, rows).to(at::kFloat));
  return {grad_query.to(query.scalar_type()), grad_item.to(query.scalar_type())};
}

// ---- meta
// ----------------------------------------------------------------------------------------

Pair forward_on_meta(const Tensor& query, const Tensor& item_embedding,
                     const Tensor& cluster_offset, const Tensor& row_offset,
                     const Tensor& row_cluster, const Tensor& target) {
  arguments_of(query, item_embedding, cluster_offset, row_offset, row_cluster, target);
  const Tensor log_z = at::empty_symint({query.sym_size(0)}, query.options().dtype(at::kFloat));
  return {at::empty_like(log_z), log_z};
}

Pair backward_on_meta(const Tensor&, const Tensor&, const Tensor& query,
                      const Tensor& item_embedding, const Tensor&, const Tensor&, const Tensor&,
                      const Tensor&, const Tensor&) {
  return {at::empty_like(query), at::empty_like(item_embedding)};
}

// ---- CUDA
// ----------------------------------------------------------------------------------------

#ifdef SERENDIP_CUDA
Pair forward_on_cuda(const Tensor& query, const Tensor& item_embedding,
                     const Tensor& cluster_offset, const Tensor& row_offset,
                     const Tensor& row_cluster, const Tensor& target) {
  const c10::cuda::CUDAGuard guard(query.device());
  const ClusterArguments arguments =
      arguments_of(query, item_embedding, cluster_offset, row_offset, row_cluster, target);
  arguments.check_values(kOp);
  const Tensor targets = target.contiguous();
  const ClusterSoftmaxTopkInput input = arguments.input(0);
  const Tensor workspace =
      at::empty({cluster_log_softmax_workspace_bytes(input, arguments.pairs())},
                query.options().dtype(at::kByte));
  const Tensor log_z = at::empty({query.size(0)}, query.options().dtype(at::kFloat));
  const Tensor log_prob = at::empty_like(log_z);
  cluster_log_softmax_cuda(input, arguments.pairs(), targets.const_data_ptr<int64_t>(),
                           log_prob.data_ptr<float>(), log_z.data_ptr<float>(),
                           workspace.data_ptr(), c10::cuda::getCurrentCUDAStream().stream());
  return {log_prob, log_z};
}

Pair backward_on_cuda(const Tensor& grad_log_prob, const Tensor& grad_log_z, const Tensor& query,
                      const Tensor& item_embedding, const Tensor& cluster_offset,
                      const Tensor& row_offset, const Tensor& row_cluster, const Tensor& target,
                      const Tensor& log_z) {
  const c10::cuda::CUDAGuard guard(query.device());
  const ClusterArguments arguments =
      arguments_of(query, item_embedding, cluster_offset, row_offset, row_cluster, target);
  const Tensor targets = target.contiguous(), of_log_prob = grad_log_prob.contiguous(),
               of_log_z = grad_log_z.contiguous(), forward_log_z = log_z.contiguous();
  const ClusterSoftmaxTopkInput input = arguments.input(0);
  const Tensor workspace =
      at::empty({cluster_log_softmax_backward_workspace_bytes(input, arguments.pairs())},
                query.options().dtype(at::kByte));
  const Tensor grad_query = at::empty_like(arguments.query);
  const Tensor grad_item = at::empty_like(arguments.item_embedding);
  cluster_log_softmax_backward_cuda(
      input, arguments.pairs(), item_embedding.size(0),
      {targets.const_data_ptr<int64_t>(), forward_log_z.const_data_ptr<float>(),
       of_log_prob.const_data_ptr<float>(), of_log_z.const_data_ptr<float>()},
      grad_query.data_ptr(), grad_item.data_ptr(), workspace.data_ptr(),
      c10::cuda::getCurrentCUDAStream().stream());
  return {grad_query, grad_item};
}
#endif

// ---- autograd
// ------------------------------------------------------------------------------------

Pair call_forward(const Tensor& query, const Tensor& item_embedding, const Tensor& cluster_offset,
                  const Tensor& row_offset, const Tensor& row_cluster, const Tensor& target) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("serendip::cluster_log_softmax", "")
                             .typed<decltype(call_forward)>();
  return op.call(query, item_embedding, cluster_offset, row_offset, row_cluster, target);
}

Pair call_backward(const Tensor& grad_log_prob, const Tensor& grad_log_z, const Tensor& query,
                   const Tensor& item_embedding, const Tensor& cluster_offset,
                   const Tensor& row_offset, const Tensor& row_cluster, const Tensor& target,
                   const Tensor& log_z) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("serendip::cluster_log_softmax_backward", "")
                             .typed<decltype(call_backward)>();
  return op.call(grad_log_prob, grad_log_z, query, item_embedding, cluster_offset, row_offset,
                 row_cluster, target, log_z);
}

class ClusterLogSoftmax : public torch::autograd::Function<ClusterLogSoftmax> {
 public:
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                const Tensor& query, const Tensor& item_embedding,
                                                const Tensor& cluster_offset,
                                                const Tensor& row_offset, const Tensor& row_cluster,
                                                const Tensor& target) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const auto [log_prob, log_z] =
        call_forward(query, item_embedding, cluster_offset, row_offset, row_cluster, target);
    context->save_for_backward(
        {query, item_embedding, cluster_offset, row_offset, row_cluster, target, log_z});
    return {log_prob, log_z};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grads) {
    const auto saved = context->get_saved_variables();
    const Tensor& log_z = saved[6];
    const auto [grad_query, grad_item] =
        call_backward(grads[0].defined() ? grads[0] : at::zeros_like(log_z),
                      grads[1].defined() ? grads[1] : at::zeros_like(log_z), saved[0], saved[1],
                      saved[2], saved[3], saved[4], saved[5], log_z);
    return {grad_query, grad_item, Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

Pair with_autograd(const Tensor& query, const Tensor& item_embedding, const Tensor& cluster_offset,
                   const Tensor& row_offset, const Tensor& row_cluster, const Tensor& target) {
  const auto outputs = ClusterLogSoftmax::apply(query, item_embedding, cluster_offset, row_offset,
                                                row_cluster, target);
  return {outputs[0], outputs[1]};
}

}  // namespace

std::tuple<Tensor, Tensor> cluster_log_softmax(const Tensor& query, const Tensor& item_embedding,
                                               const Tensor& cluster_offset,
                                               const Tensor& row_offset, const Tensor& row_cluster,
                                               const Tensor& target) {
  return call_forward(query, item_embedding, cluster_offset, row_offset, row_cluster, target);
}

TORCH_LIBRARY_FRAGMENT(serendip, library) {
  library.def(
      "cluster_log_softmax(Tensor query, Tensor item_embedding, Tensor cluster_offset, "
      "Tensor row_offset, Tensor row_cluster, Tensor target) -> (Tensor log_prob, Tensor log_z)");
  library.def(
      "cluster_log_softmax_backward(Tensor grad_log_prob, Tensor grad_log_z, Tensor query, "
      "Tensor item_embedding, Tensor cluster_offset, Tensor row_offset, Tensor row_cluster, "
      "Tensor target, Tensor log_z) -> (Tensor grad_query, Tensor grad_item)");
}

TORCH_LIBRARY_IMPL(serendip, CPU, library) {
  library.impl("cluster_log_softmax", forward_on_cpu);
  library.impl("cluster_log_softmax_backward", backward_on_cpu);
}
TORCH_LIBRARY_IMPL(serendip, Meta, library) {
  library.impl("cluster_log_softmax", forward_on_meta);
  library.impl("cluster_log_softmax_backward", backward_on_meta);
}
TORCH_LIBRARY_IMPL(serendip, Autograd, library) {
  library.impl("cluster_log_softmax", with_autograd);
}
#ifdef SERENDIP_CUDA
TORCH_LIBRARY_IMPL(serendip, CUDA, library) {
  library.impl("cluster_log_softmax", forward_on_cuda);
  library.impl("cluster_log_softmax_backward", backward_on_cuda);
}
#endif

}  // namespace serendip
