#include "clusters/knn_graph.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"
#include "clusters/neighbor_search.h"

namespace serendip {
namespace {

// Every neighbouring pair once, the lower index first, ascending.
std::vector<std::pair<int32_t, int32_t>> unique_pairs(const NeighborLists& lists) {
  std::vector<std::pair<int32_t, int32_t>> pairs;
  pairs.reserve(lists.index.size());
  for (size_t i = 0; i < lists.index.size(); ++i) {
    const int32_t to = lists.index[i];
    if (to < 0) continue;
    const auto from = static_cast<int32_t>(static_cast<int64_t>(i) / lists.neighbors);
    pairs.emplace_back(std::min(from, to), std::max(from, to));
  }
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  return pairs;
}

struct Edge {
  int32_t from, to, weight;
};

// Cosines become integers up to 1000, fewer steps where the sum of all would pass 2^31.
std::vector<Edge> weighted(const std::vector<std::pair<int32_t, int32_t>>& pairs,
                           const std::vector<float>& unit, int64_t dim) {
  std::vector<double> cosine(pairs.size());
#pragma omp parallel for schedule(static)
  for (size_t p = 0; p < pairs.size(); ++p) {
    const float* a = unit.data() + static_cast<int64_t>(pairs[p].first) * dim;
    const float* b = unit.data() + static_cast<int64_t>(pairs[p].second) * dim;
    double sum = 0;
    for (int64_t d = 0; d < dim; ++d) sum += static_cast<double>(a[d]) * b[d];
    cosine[p] = sum;
  }
  const auto ends = 2 * std::max<int64_t>(1, static_cast<int64_t>(pairs.size()));
  const int64_t steps =
      std::clamp<int64_t>(std::numeric_limits<int32_t>::max() / (2 * ends), 1, 1000);
  std::vector<Edge> edges;
  for (size_t p = 0; p < pairs.size(); ++p) {
    if (cosine[p] <= 0) continue;
    const auto scaled = std::llround(std::min(cosine[p], 1.0) * static_cast<double>(steps));
    edges.push_back(
        {pairs[p].first, pairs[p].second, static_cast<int32_t>(std::max<int64_t>(1, scaled))});
  }
  return edges;
}

// Edges ascend by (from, to), so each row receives its lower neighbours first, then the higher.
Graph graph_of(const std::vector<Edge>& edges, int64_t vertices) {
  Graph graph;
  graph.offset.assign(static_cast<size_t>(vertices) + 1, 0);
  for (const Edge& edge : edges) {
    ++graph.offset[static_cast<size_t>(edge.from) + 1];
    ++graph.offset[static_cast<size_t>(edge.to) + 1];
  }
  for (size_t v = 1; v < graph.offset.size(); ++v) graph.offset[v] += graph.offset[v - 1];
  graph.neighbor.resize(2 * edges.size());
  graph.weight.resize(2 * edges.size());
  std::vector<int64_t> next(graph.offset.begin(), graph.offset.end() - 1);
  const auto add = [&](int32_t row, int32_t other, int32_t weight) {
    const auto slot = static_cast<size_t>(next[static_cast<size_t>(row)]++);
    graph.neighbor[slot] = other;
    graph.weight[slot] = weight;
  };
  for (const Edge& edge : edges) add(edge.to, edge.from, edge.weight);
  for (const Edge& edge : edges) add(edge.from, edge.to, edge.weight);
  return graph;
}

}  // namespace

std::vector<float> unit_rows(std::vector<float> embedding, int64_t dim) {
  const int64_t count = static_cast<int64_t>(embedding.size()) / dim;
  for (int64_t row = 0; row < count; ++row) {
    float* values = embedding.data() + row * dim;
    double squares = 0;
    for (int64_t d = 0; d < dim; ++d) squares += static_cast<double>(values[d]) * values[d];
    SERENDIP_CHECK(std::isfinite(squares), "embedding of item {} (of {}) is not finite", row,
                   count);
    const double scale = squares > 0 ? 1.0 / std::sqrt(squares) : 0.0;
    for (int64_t d = 0; d < dim; ++d) values[d] = static_cast<float>(values[d] * scale);
  }
  return embedding;
}

Graph knn_graph(std::vector<float> embedding, int64_t dim, const KnnOptions& options) {
  SERENDIP_CHECK(dim > 0 && !embedding.empty() && static_cast<int64_t>(embedding.size()) % dim == 0,
                 "embedding of {} values is not a whole number of rows of {}", embedding.size(),
                 dim);
  const int64_t count = static_cast<int64_t>(embedding.size()) / dim;
  std::vector<float> unit = unit_rows(std::move(embedding), dim);
  const int64_t neighbors = std::min(options.neighbors, count - 1);
  if (neighbors == 0) return graph_of({}, count);
  auto pairs = unique_pairs(count <= options.exact_limit
                                ? exact_neighbors(unit, dim, neighbors)
                                : cell_neighbors(unit, dim, neighbors, options.seed));
  // Neither pairs nor vectors are needed beside the graph.
  const std::vector<Edge> edges = weighted(std::exchange(pairs, {}), std::exchange(unit, {}), dim);
  return graph_of(edges, count);
}

}  // namespace serendip
