// Catalogues made up for tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/random.h"
#include "clusters/graph.h"

namespace serendip {

// [count, dim] points around `centers` directions, item i near center i % centers.
inline std::vector<float> grouped_vectors(int64_t count, int64_t dim, int64_t centers,
                                          uint64_t seed) {
  Random random(seed);
  std::vector<double> center(static_cast<size_t>(centers * dim));
  for (double& value : center) value = random.normal();
  std::vector<float> vectors;
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t d = 0; d < dim; ++d) {
      const double middle = center[static_cast<size_t>(i % centers * dim + d)];
      vectors.push_back(static_cast<float>(middle + 0.6 * random.normal()));
    }
  }
  return vectors;
}

// Zipf's law over a random order of the items: the r-th most popular has ⌊top / r⌋ events.
inline std::vector<double> zipf_traffic(int64_t count, double top, uint64_t seed) {
  std::vector<double> traffic;
  for (int64_t rank = 1; rank <= count; ++rank) {
    traffic.push_back(std::floor(top / static_cast<double>(rank)));
  }
  Random(seed).shuffle(traffic);
  return traffic;
}

// Edges given once, in any order.
struct WeightedEdge {
  int32_t a, b, weight;
};
inline Graph graph_of_edges(int64_t vertices, const std::vector<WeightedEdge>& edges) {
  std::vector<std::vector<std::pair<int32_t, int32_t>>> rows(static_cast<size_t>(vertices));
  for (const WeightedEdge& edge : edges) {
    rows[static_cast<size_t>(edge.a)].emplace_back(edge.b, edge.weight);
    rows[static_cast<size_t>(edge.b)].emplace_back(edge.a, edge.weight);
  }
  Graph graph;
  for (auto& row : rows) {
    std::sort(row.begin(), row.end());
    for (const auto& [neighbor, weight] : row) {
      graph.neighbor.push_back(neighbor);
      graph.weight.push_back(weight);
    }
    graph.offset.push_back(static_cast<int64_t>(graph.neighbor.size()));
  }
  return graph;
}

}  // namespace serendip
