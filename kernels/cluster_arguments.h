// The tensors that ops on interest clusters share: checked, and held contiguous while a kernel
// reads them.
#pragma once

#include <torch/types.h>

#include "kernels/cluster_softmax_topk.h"

namespace serendip {

struct ClusterArguments {
  at::Tensor query, item_embedding, cluster_offset, row_offset, row_cluster;

  // Checks shapes, dtypes and devices. Throws c10::Error naming op, tensor, expected and actual.
  ClusterArguments(const char* op, const at::Tensor& query, const at::Tensor& item_embedding,
                   const at::Tensor& cluster_offset, const at::Tensor& row_offset,
                   const at::Tensor& row_cluster);

  // Checks values too: on the CPU all of them. On a GPU a look costs a transfer: each
  // cluster_offset is looked at once, known again by its storage and version, and rows, new with
  // every call, are not; the kernels take a cluster that does not exist for an empty one.
  void check_values(const char* op) const;

  int64_t pairs() const { return row_cluster.numel(); }
  ClusterSoftmaxTopkInput input(int64_t k) const;
};

}  // namespace serendip
