// Undirected weighted graphs, and the two ways the tree builder derives smaller ones.
#pragma once

#include <cstdint>
#include <vector>

namespace serendip {

// Compressed rows: vertex v's edges are [offset[v], offset[v + 1]), neighbours ascending. Every
// edge is stored from both ends with the same weight ≥ 1; no loops. The weights of all rows sum to
// less than 2^31, the range of METIS.
struct Graph {
  std::vector<int64_t> offset = {0};  // [V + 1]
  std::vector<int32_t> neighbor;      // [2E]
  std::vector<int32_t> weight;        // [2E]

  int64_t vertex_count() const { return static_cast<int64_t>(offset.size()) - 1; }
};

// The edges among `vertices`; vertex i of the result is vertices[i]. `local` is scratch of
// graph.vertex_count() entries, all -1 before and after.
Graph subgraph(const Graph& graph, const std::vector<int32_t>& vertices,
               std::vector<int32_t>& local);

// One vertex a part; parallel edges merged, inner edges dropped.
Graph contract(const Graph& graph, const std::vector<int32_t>& part, int64_t parts);

// Weight of the edges between different parts, and of all edges, each edge once.
struct Cut {
  int64_t between = 0, total = 0;
};
Cut cut_of(const Graph& graph, const std::vector<int32_t>& part);

}  // namespace serendip
