#include "clusters/graph.h"

#include <algorithm>
#include <utility>

namespace serendip {
namespace {

// Members of every part, ascending.
std::vector<std::vector<int32_t>> members_of(const std::vector<int32_t>& part, int64_t parts) {
  std::vector<std::vector<int32_t>> members(static_cast<size_t>(parts));
  for (size_t v = 0; v < part.size(); ++v) {
    members[static_cast<size_t>(part[v])].push_back(static_cast<int32_t>(v));
  }
  return members;
}

}  // namespace

Graph subgraph(const Graph& graph, const std::vector<int32_t>& vertices,
               std::vector<int32_t>& local) {
  for (size_t i = 0; i < vertices.size(); ++i) {
    local[static_cast<size_t>(vertices[i])] = static_cast<int32_t>(i);
  }
  Graph result;
  std::vector<std::pair<int32_t, int32_t>> row;
  for (const int32_t vertex : vertices) {
    row.clear();
    const auto v = static_cast<size_t>(vertex);
    for (auto e = static_cast<size_t>(graph.offset[v]);
         e < static_cast<size_t>(graph.offset[v + 1]); ++e) {
      const int32_t other = local[static_cast<size_t>(graph.neighbor[e])];
      if (other >= 0) row.emplace_back(other, graph.weight[e]);
    }
    std::sort(row.begin(), row.end());
    for (const auto& [other, weight] : row) {
      result.neighbor.push_back(other);
      result.weight.push_back(weight);
    }
    result.offset.push_back(static_cast<int64_t>(result.neighbor.size()));
  }
  for (const int32_t vertex : vertices) local[static_cast<size_t>(vertex)] = -1;
  return result;
}

Graph contract(const Graph& graph, const std::vector<int32_t>& part, int64_t parts) {
  Graph result;
  std::vector<int64_t> weight_to(static_cast<size_t>(parts), 0);
  std::vector<int32_t> touched;
  int32_t current = 0;
  for (const std::vector<int32_t>& members : members_of(part, parts)) {
    for (const int32_t vertex : members) {
      const auto v = static_cast<size_t>(vertex);
      for (auto e = static_cast<size_t>(graph.offset[v]);
           e < static_cast<size_t>(graph.offset[v + 1]); ++e) {
        const int32_t other = part[static_cast<size_t>(graph.neighbor[e])];
        if (other == current) continue;
        int64_t& sum = weight_to[static_cast<size_t>(other)];
        if (sum == 0) touched.push_back(other);
        sum += graph.weight[e];
      }
    }
    std::sort(touched.begin(), touched.end());
    for (const int32_t other : touched) {
      result.neighbor.push_back(other);
      result.weight.push_back(static_cast<int32_t>(weight_to[static_cast<size_t>(other)]));
      weight_to[static_cast<size_t>(other)] = 0;
    }
    touched.clear();
    result.offset.push_back(static_cast<int64_t>(result.neighbor.size()));
    ++current;
  }
  return result;
}

Cut cut_of(const Graph& graph, const std::vector<int32_t>& part) {
  Cut cut;
  for (size_t v = 0; v < part.size(); ++v) {
    for (auto e = static_cast<size_t>(graph.offset[v]);
         e < static_cast<size_t>(graph.offset[v + 1]); ++e) {
      cut.total += graph.weight[e];
      if (part[v] != part[static_cast<size_t>(graph.neighbor[e])]) cut.between += graph.weight[e];
    }
  }
  return {cut.between / 2, cut.total / 2};
}

}  // namespace serendip
