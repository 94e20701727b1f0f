#include "kernels/ops.h"

#include <torch/library.h>

#include "kernels/cluster_softmax_topk.h"
#ifdef SERENDIP_CUDA
#include <c10/cuda/CUDAStream.h>

#include "kernels/cluster_softmax_topk.cuh"
#endif

namespace serendip {
namespace {

void check_tensor(const at::Tensor& tensor, const char* name, at::ScalarType type,
                  int64_t dimensions, const at::Device& device) {
  TORCH_CHECK(
      tensor.scalar_type() == type && tensor.dim() == dimensions && tensor.device() == device,
      "cluster_softmax_topk: ", name, ": expected ", dimensions, "-dimensional ", type, " on ",
      device, ", got ", tensor.dim(), "-dimensional ", tensor.scalar_type(), " on ",
      tensor.device());
}

// `offset` must ascend from 0 to `last`.
void check_offsets(const at::Tensor& offset, const char* name, int64_t last) {
  const auto* values = offset.const_data_ptr<int64_t>();
  const int64_t count = offset.numel();
  TORCH_CHECK(values[0] == 0, "cluster_softmax_topk: ", name, "[0]: expected 0, got ", values[0]);
  for (int64_t at = 1; at < count; ++at)
    TORCH_CHECK(values[at - 1] <= values[at], "cluster_softmax_topk: ", name, "[", at,
                "]: expected at least ", values[at - 1], ", got ", values[at]);
  TORCH_CHECK(values[count - 1] == last, "cluster_softmax_topk: ", name, "[", count - 1,
              "]: expected ", last, ", got ", values[count - 1]);
}

void check_inputs(const at::Tensor& query, const at::Tensor& item_embedding,
                  const at::Tensor& cluster_offset, const at::Tensor& row_offset,
                  const at::Tensor& row_cluster, int64_t k) {
  const at::Device device = query.device();
  check_tensor(query, "query", at::kFloat, 2, device);
  check_tensor(item_embedding, "item_embedding", at::kFloat, 2, device);
  check_tensor(cluster_offset, "cluster_offset", at::kLong, 1, device);
  check_tensor(row_offset, "row_offset", at::kLong, 1, device);
  check_tensor(row_cluster, "row_cluster", at::kLong, 1, device);
  TORCH_CHECK(query.size(1) == item_embedding.size(1),
              "cluster_softmax_topk: item_embedding: expected width ", query.size(1), ", got ",
              item_embedding.size(1));
  TORCH_CHECK(cluster_offset.numel() >= 1,
              "cluster_softmax_topk: cluster_offset: expected at least 1 value, got 0");
  TORCH_CHECK(row_offset.numel() == query.size(0) + 1,
              "cluster_softmax_topk: row_offset: expected ", query.size(0) + 1, " values, got ",
              row_offset.numel());
  TORCH_CHECK(k >= 1, "cluster_softmax_topk: k: expected at least 1, got ", k);
}

// What only a look at the values shows; on a GPU that would cost a transfer.
void check_values(const at::Tensor& item_embedding, const at::Tensor& cluster_offset,
                  const at::Tensor& row_offset, const at::Tensor& row_cluster) {
  check_offsets(cluster_offset, "cluster_offset", item_embedding.size(0));
  check_offsets(row_offset, "row_offset", row_cluster.numel());
  const int64_t cluster_count = cluster_offset.numel() - 1;
  const auto* clusters = row_cluster.const_data_ptr<int64_t>();
  for (int64_t at = 0; at < row_cluster.numel(); ++at)
    TORCH_CHECK(clusters[at] >= 0 && clusters[at] < cluster_count,
                "cluster_softmax_topk: row_cluster[", at, "]: expected 0 to ", cluster_count - 1,
                ", got ", clusters[at]);
}

}  // namespace

std::tuple<at::Tensor, at::Tensor, at::Tensor> cluster_softmax_topk(
    const at::Tensor& query, const at::Tensor& item_embedding, const at::Tensor& cluster_offset,
    const at::Tensor& row_offset, const at::Tensor& row_cluster, int64_t k) {
  check_inputs(query, item_embedding, cluster_offset, row_offset, row_cluster, k);
  const at::Tensor queries = query.contiguous(), items = item_embedding.contiguous();
  const at::Tensor clusters = cluster_offset.contiguous(), rows = row_offset.contiguous();
  const at::Tensor named = row_cluster.contiguous();
  const int64_t query_count = query.size(0);
  at::Tensor ids = at::empty({query_count, k}, rows.options());
  at::Tensor log_prob = at::empty({query_count, k}, queries.options().requires_grad(false));
  at::Tensor log_z = at::empty({query_count}, log_prob.options());
  const ClusterSoftmaxTopkInput input{queries.const_data_ptr<float>(),
                                      items.const_data_ptr<float>(),
                                      clusters.const_data_ptr<int64_t>(),
                                      rows.const_data_ptr<int64_t>(),
                                      named.const_data_ptr<int64_t>(),
                                      query_count,
                                      query.size(1),
                                      cluster_offset.numel() - 1,
                                      k};
  const ClusterSoftmaxTopkOutput output{ids.data_ptr<int64_t>(), log_prob.data_ptr<float>(),
                                        log_z.data_ptr<float>()};
#ifdef SERENDIP_CUDA
  if (query.is_cuda()) {
    cluster_softmax_topk_cuda(input, output, c10::cuda::getCurrentCUDAStream().stream());
    return {ids, log_prob, log_z};
  }
#endif
  TORCH_CHECK(query.is_cpu(), "cluster_softmax_topk: expected tensors on cpu, got ",
              query.device());
  check_values(items, clusters, rows, named);
  cluster_softmax_topk_cpu(input, output);
  return {ids, log_prob, log_z};
}

TORCH_LIBRARY_FRAGMENT(serendip, library) {
  library.def(
      "cluster_softmax_topk(Tensor query, Tensor item_embedding, Tensor cluster_offset, "
      "Tensor row_offset, Tensor row_cluster, int k) -> (Tensor ids, Tensor log_prob, "
      "Tensor log_z)");
}

TORCH_LIBRARY_IMPL(serendip, CPU, library) {
  library.impl("cluster_softmax_topk", cluster_softmax_topk);
}

#ifdef SERENDIP_CUDA
TORCH_LIBRARY_IMPL(serendip, CUDA, library) {
  library.impl("cluster_softmax_topk", cluster_softmax_topk);
}
#endif

}  // namespace serendip
