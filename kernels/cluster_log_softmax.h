// Log-softmax of one item a query over the items of a few clusters, with its gradients: training on
// restricted clusters. The scores are computed again in the backward pass, never kept.
//
// Contract, with query, item_embedding and clusters as in kernels/cluster_softmax_topk.h:
//   target   i64 [B], an item of query b's clusters; -1 for a query without one
// forward
//   log_z    f32 [B] = log Σ_n exp(query[b] · item_embedding[n]), n over the items of b's clusters
//   log_prob f32 [B] = query[b] · item_embedding[target[b]] - log_z[b]; 0 for target -1
// backward, with g = gradient of log_prob (taken as 0 for target -1) and h = that of log_z
//   grad_query[b] = g[b] · item_embedding[target[b]] + (h[b] - g[b]) · Σ_n p[b, n] ·
//   item_embedding[n] grad_item[n]  = Σ_b (g[b] · [n = target[b]] + (h[b] - g[b]) · p[b, n]) ·
//   query[b] with p = exp(score - log_z). Sums are float32; on the tensor cores p is rounded to the
//   embeddings' type, as attention kernels do.
#pragma once

#include <cstdint>

#include "kernels/cluster_softmax_topk.h"

namespace serendip {

struct ClusterLogSoftmaxBackwardInput {
  const int64_t* target;       // [B]
  const float* log_z;          // [B]
  const float* grad_log_prob;  // [B]
  const float* grad_log_z;     // [B]
};

}  // namespace serendip
