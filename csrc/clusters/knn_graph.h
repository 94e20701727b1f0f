// The similarity graph of the items: each joined with its nearest neighbours by cosine.
#pragma once

#include <cstdint>
#include <vector>

#include "clusters/graph.h"

namespace serendip {

struct KnnOptions {
  int64_t neighbors = 16;
  // Every pair is scored up to this many items; above, neighbouring cells only (neighbor_search.h).
  int64_t exact_limit = 50000;
  uint64_t seed = 0;
};

// embedding [N, dim] with rows scaled to length 1, in place where it is moved in; rows of zeros
// stay. Throws Error naming the item on a value that is not finite.
std::vector<float> unit_rows(std::vector<float> embedding, int64_t dim);

// `embedding` [N, dim], any scale. i and j are joined when either is among the other's nearest,
// ties by index; the weight is their cosine scaled to an integer ≥ 1. Pairs with cosine ≤ 0 are not
// joined, so items may be isolated. The same graph whatever the thread count. Throws Error as
// unit_rows does. Holds one copy of the vectors, which it frees before the graph is put together.
Graph knn_graph(std::vector<float> embedding, int64_t dim, const KnnOptions& options);

}  // namespace serendip
