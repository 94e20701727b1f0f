// Nearest neighbours of every vector among all vectors, by inner product.
#pragma once

#include <cstdint>
#include <vector>

namespace serendip {

// [N, neighbors] indices of the largest inner products, best first, -1 where there are fewer; the
// vector itself is left out.
struct NeighborLists {
  int64_t neighbors = 0;
  std::vector<int32_t> index;
};

// Every pair is scored; ties by index. Not faiss::IndexFlatIP: its products go through BLAS, whose
// last bits, and so the order of near ties, change with BLAS's thread count. Here a tile's shape
// and arithmetic are fixed and only whole tiles are shared out among threads.
NeighborLists exact_neighbors(const std::vector<float>& vectors, int64_t dim, int64_t neighbors);

// faiss inverted lists (2√N lists, 32 probed). Deterministic: k-means is seeded and no product goes
// through BLAS. Catalogues above the exact limit; needs N ≥ 1000.
NeighborLists approximate_neighbors(const std::vector<float>& vectors, int64_t dim,
                                    int64_t neighbors, uint64_t seed);

}  // namespace serendip
