#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/interrupt.h"
#include "base/progress.h"
#include "base/random.h"
#include "clusters/neighbor_search.h"
#include "clusters/tile_search.h"

namespace serendip {
namespace {

constexpr int64_t kProbes = 32;
constexpr int64_t kIterations = 8;
constexpr int64_t kSampledPerCell = 64;
constexpr int64_t kLargestCell = 4096;  // equal vectors would all meet in one
constexpr int64_t kTile = 256;

std::vector<int32_t> numbers_to(int64_t count) {
  std::vector<int32_t> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

std::vector<float> gather(const std::vector<float>& vectors, int64_t dim,
                          const std::vector<int32_t>& rows) {
  std::vector<float> result;
  result.reserve(rows.size() * static_cast<size_t>(dim));
  for (const int32_t row : rows) {
    const auto begin = vectors.begin() + static_cast<int64_t>(row) * dim;
    result.insert(result.end(), begin, begin + dim);
  }
  return result;
}

// [rows] the centroid with the largest inner product.
std::vector<int32_t> nearest_centroid(const std::vector<float>& rows,
                                      const std::vector<float>& centroids, int64_t dim) {
  const int64_t count = static_cast<int64_t>(rows.size()) / dim;
  const std::vector<int32_t> cells = numbers_to(static_cast<int64_t>(centroids.size()) / dim);
  const std::vector<int32_t> anonymous(kTile, -1);
  std::vector<int32_t> nearest(static_cast<size_t>(count));
#pragma omp parallel for schedule(dynamic)
  for (int64_t begin = 0; begin < count; begin += kTile) {
    const auto height = static_cast<size_t>(std::min(kTile, count - begin));
    const RowBlock tile{rows.data() + begin * dim, std::span(anonymous).first(height)};
    const auto best = best_rows(tile, {centroids.data(), cells}, dim, 1);
    for (size_t i = 0; i < best.size(); ++i) {
      nearest[static_cast<size_t>(begin) + i] = best[i][0].index;
    }
  }
  return nearest;
}

// Sums in row order, scaled to length 1; a cell without rows keeps its centroid.
void move_centroids(const std::vector<float>& rows, const std::vector<int32_t>& nearest,
                    int64_t dim, std::vector<float>& centroids) {
  std::vector<double> sum(centroids.size(), 0.0);
  for (size_t i = 0; i < nearest.size(); ++i) {
    double* cell = sum.data() + nearest[i] * dim;
    const float* row = rows.data() + static_cast<int64_t>(i) * dim;
    for (int64_t d = 0; d < dim; ++d) cell[d] += row[d];
  }
  for (size_t begin = 0; begin < sum.size(); begin += static_cast<size_t>(dim)) {
    double squares = 0;
    for (int64_t d = 0; d < dim; ++d)
      squares += sum[begin + static_cast<size_t>(d)] * sum[begin + static_cast<size_t>(d)];
    if (squares == 0) continue;
    for (int64_t d = 0; d < dim; ++d) {
      centroids[begin + static_cast<size_t>(d)] =
          static_cast<float>(sum[begin + static_cast<size_t>(d)] / std::sqrt(squares));
    }
  }
}

std::vector<float> spherical_k_means(const std::vector<float>& vectors, int64_t dim, int64_t cells,
                                     uint64_t seed) {
  const int64_t count = static_cast<int64_t>(vectors.size()) / dim;
  std::vector<int32_t> sample = numbers_to(count);
  Random(seed).shuffle(sample);
  sample.resize(static_cast<size_t>(std::min(count, cells * kSampledPerCell)));
  const std::vector<float> rows = gather(vectors, dim, sample);
  std::vector<float> centroids(rows.begin(), rows.begin() + cells * dim);
  for (int64_t iteration = 0; iteration < kIterations; ++iteration) {
    throw_if_interrupted();
    move_centroids(rows, nearest_centroid(rows, centroids, dim), dim, centroids);
  }
  return centroids;
}

// Members of every cell; cells that are too large are cut up, each piece with the same centroid.
std::vector<std::vector<int32_t>> members_of_cells(const std::vector<int32_t>& nearest, int64_t dim,
                                                   std::vector<float>& centroids) {
  std::vector<std::vector<int32_t>> members(centroids.size() / static_cast<size_t>(dim));
  std::vector<int32_t> piece = numbers_to(static_cast<int64_t>(members.size()));
  for (size_t i = 0; i < nearest.size(); ++i) {
    int32_t& current = piece[static_cast<size_t>(nearest[i])];
    if (static_cast<int64_t>(members[static_cast<size_t>(current)].size()) == kLargestCell) {
      current = static_cast<int32_t>(members.size());
      members.emplace_back();
      const std::vector<float> centroid = gather(centroids, dim, {nearest[i]});
      centroids.insert(centroids.end(), centroid.begin(), centroid.end());
    }
    members[static_cast<size_t>(current)].push_back(static_cast<int32_t>(i));
  }
  return members;
}

struct Cells {
  std::vector<float> centroids;               // [cells, dim]
  std::vector<std::vector<int32_t>> members;  // [cells]
  std::vector<int32_t> number;                // 0, 1, …
};

// The cell's members against those of the cells around it.
void search_cell(const std::vector<float>& vectors, int64_t dim, const Cells& cells, int64_t cell,
                 NeighborLists& lists) {
  const std::vector<int32_t>& queries = cells.members[static_cast<size_t>(cell)];
  const RowBlock own{cells.centroids.data() + cell * dim,
                     std::span(cells.number).subspan(static_cast<size_t>(cell), 1)};
  std::vector<int32_t> candidates = queries;
  const auto around = best_rows(own, {cells.centroids.data(), cells.number}, dim, kProbes - 1);
  for (const Scored& near : around[0]) {
    const std::vector<int32_t>& more = cells.members[static_cast<size_t>(near.index)];
    candidates.insert(candidates.end(), more.begin(), more.end());
  }
  const std::vector<float> query_rows = gather(vectors, dim, queries);
  const std::vector<float> base_rows = gather(vectors, dim, candidates);
  const auto found = best_rows({query_rows.data(), queries}, {base_rows.data(), candidates}, dim,
                               static_cast<size_t>(lists.neighbors));
  for (size_t i = 0; i < found.size(); ++i) {
    int32_t* out = lists.index.data() + queries[i] * lists.neighbors;
    for (const Scored& entry : found[i]) *out++ = entry.index;
  }
}

}  // namespace

NeighborLists cell_neighbors(const std::vector<float>& vectors, int64_t dim, int64_t neighbors,
                             uint64_t seed) {
  const int64_t count = static_cast<int64_t>(vectors.size()) / dim;
  NeighborLists lists{neighbors, std::vector<int32_t>(static_cast<size_t>(count * neighbors), -1)};
  Progress progress("neighbours", count, "items");
  Cells cells;
  cells.centroids = spherical_k_means(
      vectors, dim, static_cast<int64_t>(2 * std::sqrt(static_cast<double>(count))), seed);
  cells.members =
      members_of_cells(nearest_centroid(vectors, cells.centroids, dim), dim, cells.centroids);
  const auto cell_count = static_cast<int64_t>(cells.members.size());
  cells.number = numbers_to(cell_count);
  constexpr int64_t kStretch = 64;
  for (int64_t begin = 0; begin < cell_count; begin += kStretch) {
    throw_if_interrupted();
    const int64_t end = std::min(cell_count, begin + kStretch);
    int64_t done = 0;
#pragma omp parallel for schedule(dynamic) reduction(+ : done)
    for (int64_t cell = begin; cell < end; ++cell) {
      search_cell(vectors, dim, cells, cell, lists);
      done += static_cast<int64_t>(cells.members[static_cast<size_t>(cell)].size());
    }
    progress.advance(done);
  }
  return lists;
}

}  // namespace serendip
