// Softmax restricted to the items of a few clusters: the k best items a query, their
// log-probabilities and log Z.
//
// Contract, shared by the CPU and the CUDA form:
//   query           [B, d], float32, bfloat16 or float16; sums are float32
//   item_embedding  [N, d], of query's type, sorted by cluster
//   cluster_offset  i64 [M + 1], ascending from 0 to N: cluster c holds the items
//                   [cluster_offset[c], cluster_offset[c + 1])
//   row_offset      i64 [B + 1], ascending from 0: query b may see the clusters
//   row_cluster     i64 [row_offset[B]]: row_cluster[row_offset[b] : row_offset[b + 1]]; one named
//                   twice counts once
//   score(b, n) = query[b] . item_embedding[n],   log_z[b] = log sum_n exp score(b, n) over the
//   items n of b's clusters, -inf where there are none
//   ids             i64 [B, k], by descending score, then ascending id; -1 past the end
//   log_prob        f32 [B, k] = score - log_z; -inf past the end
//   log_z           f32 [B]
// Scores must be finite. Cost follows the items in the clusters named, not N.
#pragma once

#include <cstdint>

#include "kernels/float_types.h"

namespace serendip {

struct ClusterSoftmaxTopkInput {
  const void* query;
  const void* item_embedding;
  const int64_t* cluster_offset;
  const int64_t* row_offset;
  const int64_t* row_cluster;
  FloatType type;         // of query and item_embedding
  int64_t query_count;    // B
  int64_t width;          // d
  int64_t cluster_count;  // M
  int64_t k;              // at least 1
};

struct ClusterSoftmaxTopkOutput {
  int64_t* ids;
  float* log_prob;
  float* log_z;
};

// On the CPU, over OpenMP threads. A row's result depends on the row alone, to the bit: not on the
// other rows, their order or the number of threads. Inputs are not checked (see ops.h).
void cluster_softmax_topk_cpu(const ClusterSoftmaxTopkInput& input,
                              const ClusterSoftmaxTopkOutput& output);

}  // namespace serendip
