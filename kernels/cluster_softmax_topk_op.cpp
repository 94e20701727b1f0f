#include <torch/library.h>

#include "kernels/cluster_arguments.h"
#include "kernels/cluster_softmax_topk.h"
#include "kernels/ops.h"
#ifdef SERENDIP_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "kernels/cluster_softmax_topk.cuh"
#endif

namespace serendip {
namespace {

constexpr const char* kOp = "cluster_softmax_topk";

struct Result {
  at::Tensor ids, log_prob, log_z;

  Result(const at::Tensor& query, int64_t k)
      : ids(at::empty_symint({query.sym_size(0), k}, query.options().dtype(at::kLong))),
        log_prob(at::empty_symint({query.sym_size(0), k}, query.options().dtype(at::kFloat))),
        log_z(at::empty_symint({query.sym_size(0)}, log_prob.options())) {}

  std::tuple<at::Tensor, at::Tensor, at::Tensor> tuple() const { return {ids, log_prob, log_z}; }
  ClusterSoftmaxTopkOutput output() const {
    return {ids.data_ptr<int64_t>(), log_prob.data_ptr<float>(), log_z.data_ptr<float>()};
  }
};

ClusterArguments arguments_of(const at::Tensor& query, const at::Tensor& item_embedding,
                              const at::Tensor& cluster_offset, const at::Tensor& row_offset,
                              const at::Tensor& row_cluster, int64_t k) {
  ClusterArguments arguments(kOp, query, item_embedding, cluster_offset, row_offset, row_cluster);
  TORCH_CHECK(k >= 1, kOp, ": k: expected at least 1, got ", k);
  return arguments;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> on_cpu(const at::Tensor& query,
                                                      const at::Tensor& item_embedding,
                                                      const at::Tensor& cluster_offset,
                                                      const at::Tensor& row_offset,
                                                      const at::Tensor& row_cluster, int64_t k) {
  const ClusterArguments arguments =
      arguments_of(query, item_embedding, cluster_offset, row_offset, row_cluster, k);
  arguments.check_values(kOp);
  const Result result(query, k);
  cluster_softmax_topk_cpu(arguments.input(k), result.output());
  return result.tuple();
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> on_meta(const at::Tensor& query,
                                                       const at::Tensor& item_embedding,
                                                       const at::Tensor& cluster_offset,
                                                       const at::Tensor& row_offset,
                                                       const at::Tensor& row_cluster, int64_t k) {
  arguments_of(query, item_embedding, cluster_offset, row_offset, row_cluster, k);
  return Result(query, k).tuple();
}

#ifdef SERENDIP_CUDA
std::tuple<at::Tensor, at::Tensor, at::Tensor> on_cuda(const at::Tensor& query,
                                                       const at::Tensor& item_embedding,
                                                       const at::Tensor& cluster_offset,
                                                       const at::Tensor& row_offset,
                                                       const at::Tensor& row_cluster, int64_t k) {
  const c10::cuda::CUDAGuard guard(query.device());
  const ClusterArguments arguments =
      arguments_of(query, item_embedding, cluster_offset, row_offset, row_cluster, k);
  arguments.check_values(kOp);
  const ClusterSoftmaxTopkInput input = arguments.input(k);
  const at::Tensor workspace =
      at::empty({cluster_softmax_topk_workspace_bytes(input, arguments.pairs())},
                query.options().dtype(at::kByte));
  const Result result(query, k);
  cluster_softmax_topk_cuda(input, arguments.pairs(), result.output(), workspace.data_ptr(),
                            c10::cuda::getCurrentCUDAStream().stream());
  return result.tuple();
}
#endif

}  // namespace

std::tuple<at::Tensor, at::Tensor, at::Tensor> cluster_softmax_topk(
    const at::Tensor& query, const at::Tensor& item_embedding, const at::Tensor& cluster_offset,
    const at::Tensor& row_offset, const at::Tensor& row_cluster, int64_t k) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("serendip::cluster_softmax_topk", "")
                             .typed<decltype(cluster_softmax_topk)>();
  return op.call(query, item_embedding, cluster_offset, row_offset, row_cluster, k);
}

TORCH_LIBRARY_FRAGMENT(serendip, library) {
  library.def(
      "cluster_softmax_topk(Tensor query, Tensor item_embedding, Tensor cluster_offset, "
      "Tensor row_offset, Tensor row_cluster, int k) -> (Tensor ids, Tensor log_prob, "
      "Tensor log_z)");
}

TORCH_LIBRARY_IMPL(serendip, CPU, library) { library.impl("cluster_softmax_topk", on_cpu); }
TORCH_LIBRARY_IMPL(serendip, Meta, library) { library.impl("cluster_softmax_topk", on_meta); }
#ifdef SERENDIP_CUDA
TORCH_LIBRARY_IMPL(serendip, CUDA, library) { library.impl("cluster_softmax_topk", on_cuda); }
#endif

}  // namespace serendip
