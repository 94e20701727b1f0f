// Nearest neighbours of every vector among all vectors, by inner product.
#pragma once

#include <cstdint>
#include <vector>

namespace serendip {

// Why not faiss: the same graph is wanted whatever the thread count. IndexFlatIP multiplies through
// BLAS, whose last bits, and so the order of near ties, change with its threads; HNSW is built in
// the order in which threads arrive. Here a product's shape and arithmetic are fixed and only whole
// products are shared out among threads; docs/performance.md has what that costs.

// [N, neighbors] indices of the largest inner products, best first, ties by index, -1 where there
// are fewer; the vector itself is left out.
struct NeighborLists {
  int64_t neighbors = 0;
  std::vector<int32_t> index;
};

// Every pair is scored. vectors is [N, dim].
NeighborLists exact_neighbors(const std::vector<float>& vectors, int64_t dim, int64_t neighbors);

// For large N: about 2√N cells by seeded spherical k-means; a vector is scored against the members
// of the 32 cells nearest to its own. A few percent of the true neighbours are missed. Vectors must
// have length 1 or 0.
NeighborLists cell_neighbors(const std::vector<float>& vectors, int64_t dim, int64_t neighbors,
                             uint64_t seed);

}  // namespace serendip
