#include "kernels/cluster_arguments.h"

#include "kernels/op_checks.h"

namespace serendip {
namespace {

void check_table_once(const char* op, const at::Tensor& cluster_offset, int64_t items) {
  struct Known {
    c10::weak_intrusive_ptr<c10::StorageImpl> storage;
    const void* data;
    int64_t count, items, version;
  };
  static thread_local std::vector<Known> checked;
  const int64_t version = cluster_offset.is_inference() ? 0 : cluster_offset._version();
  std::erase_if(checked, [](const Known& known) { return known.storage.expired(); });
  for (const Known& known : checked)
    if (known.data == cluster_offset.const_data_ptr() && known.count == cluster_offset.numel() &&
        known.items == items && known.version == version)
      return;
  check_offsets(op, "cluster_offset", cluster_offset.cpu(), items);
  checked.push_back({cluster_offset.storage().getWeakStorageImpl(), cluster_offset.const_data_ptr(),
                     cluster_offset.numel(), items, version});
}

}  // namespace

ClusterArguments::ClusterArguments(const char* op, const at::Tensor& query_,
                                   const at::Tensor& item_embedding_,
                                   const at::Tensor& cluster_offset_, const at::Tensor& row_offset_,
                                   const at::Tensor& row_cluster_) {
  const at::Device device = query_.device();
  float_type_of(op, "query", query_);
  check_tensor(op, "query", query_, query_.scalar_type(), 2, device);
  check_tensor(op, "item_embedding", item_embedding_, query_.scalar_type(), 2, device);
  check_tensor(op, "cluster_offset", cluster_offset_, at::kLong, 1, device);
  check_tensor(op, "row_offset", row_offset_, at::kLong, 1, device);
  check_tensor(op, "row_cluster", row_cluster_, at::kLong, 1, device);
  TORCH_SYM_CHECK(query_.sym_size(1).sym_eq(item_embedding_.sym_size(1)), op,
                  ": item_embedding: expected width ", query_.sym_size(1), ", got ",
                  item_embedding_.sym_size(1));
  TORCH_SYM_CHECK(cluster_offset_.sym_numel().sym_ge(1), op,
                  ": cluster_offset: expected at least 1 value, got 0");
  check_length(op, "row_offset", row_offset_, query_.sym_size(0) + 1);
  query = query_.contiguous();
  item_embedding = item_embedding_.contiguous();
  cluster_offset = cluster_offset_.contiguous();
  row_offset = row_offset_.contiguous();
  row_cluster = row_cluster_.contiguous();
}

void ClusterArguments::check_values(const char* op) const {
  if (!query.is_cpu()) return check_table_once(op, cluster_offset, item_embedding.size(0));
  check_offsets(op, "cluster_offset", cluster_offset, item_embedding.size(0));
  check_offsets(op, "row_offset", row_offset, row_cluster.numel());
  check_indices(op, "row_cluster", row_cluster, cluster_offset.numel() - 1);
}

ClusterSoftmaxTopkInput ClusterArguments::input(int64_t k) const {
  return {query.const_data_ptr(),
          item_embedding.const_data_ptr(),
          cluster_offset.const_data_ptr<int64_t>(),
          row_offset.const_data_ptr<int64_t>(),
          row_cluster.const_data_ptr<int64_t>(),
          float_type_of("clusters", "query", query),
          query.size(0),
          query.size(1),
          cluster_offset.numel() - 1,
          k};
}

}  // namespace serendip
