// cluster_bench ITEMS|RUN_FOLDER [OUT.h5]: time, memory and quality of the cluster stage at k =
// 761, on invented items of 256 dimensions or on those of a run (data.h5 with embeddings). OUT.h5
// gets the graph, the weights and our partition, for bench/compare_clusters.py.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <functional>
#include <string>

#include "base/check.h"
#include "base/hdf5_file.h"
#include "base/process.h"
#include "base/random.h"
#include "clusters/item_traffic.h"
#include "clusters/knn_graph.h"
#include "clusters/tile_search.h"
#include "clusters/tree_builder.h"
#include "clusters/tree_report.h"

namespace serendip {
namespace {

constexpr int64_t kDimensions = 256, kNeighbors = 16, kQueries = 1000;
constexpr TreeShape kShape = {{61, 761, 1522, 3044}, 0.05, 0.5, 0.5, 1};

struct Catalogue {
  std::vector<float> vectors;  // [N, dim]
  int64_t dim = 0;
  std::vector<double> traffic;  // [N]

  int64_t size() const { return static_cast<int64_t>(traffic.size()); }
};

// Items around topics of unequal size, topics around 61 fields; traffic by Zipf's law.
Catalogue invent(int64_t count) {
  constexpr int64_t kFields = 61, kTopics = 5000;
  Catalogue items{std::vector<float>(static_cast<size_t>(count * kDimensions)), kDimensions, {}};
  std::vector<float> topics(static_cast<size_t>(kTopics * kDimensions));
#pragma omp parallel for
  for (int64_t topic = 0; topic < kTopics; ++topic) {
    Random field(1, static_cast<uint64_t>(topic % kFields)), own(2, static_cast<uint64_t>(topic));
    for (int64_t d = 0; d < kDimensions; ++d)
      topics[static_cast<size_t>(topic * kDimensions + d)] =
          static_cast<float>(field.normal() + 0.7 * own.normal());
  }
#pragma omp parallel for
  for (int64_t item = 0; item < count; ++item) {
    Random random(3, static_cast<uint64_t>(item));
    const double place = random.uniform();
    const auto topic = static_cast<int64_t>(kTopics * place * place);
    for (int64_t d = 0; d < kDimensions; ++d)
      items.vectors[static_cast<size_t>(item * kDimensions + d)] =
          topics[static_cast<size_t>(topic * kDimensions + d)] +
          0.7f * static_cast<float>(random.normal());
  }
  for (int64_t rank = 1; rank <= count; ++rank)
    items.traffic.push_back(
        1 + std::floor(10.0 * static_cast<double>(count) / static_cast<double>(rank)));
  Random(4).shuffle(items.traffic);
  return items;
}

Catalogue load(const std::filesystem::path& run) {
  Dataset data = load_dataset(run / "data.h5");
  std::vector<double> traffic = count_traffic(data, 0.1).training;
  return {std::move(data.embedding), data.embedding_dim, std::move(traffic)};
}

// Does the work and prints what it took; CPU seconds are those of all threads.
void measure(const char* what, const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t before = std::clock();
  work();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fmt::print("{}: {:.1f} s, {:.1f} CPU s, peak {:.0f} MiB\n", what, seconds,
             static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC,
             static_cast<double>(peak_memory_bytes()) / (1 << 20));
  std::fflush(stdout);
}

// Share of the true neighbours of some items that the graph joins them with.
double recall(const Graph& graph, const std::vector<float>& unit, int64_t dim) {
  const int64_t count = graph.vertex_count(), queries = std::min(count, kQueries);
  std::vector<int32_t> all(static_cast<size_t>(count)), some;
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int32_t>(i);
  std::vector<float> rows;
  for (int64_t query = 0; query < queries; ++query) {
    some.push_back(static_cast<int32_t>(query * (count / queries)));
    const auto row = unit.begin() + some.back() * dim;
    rows.insert(rows.end(), row, row + dim);
  }
  const auto best = best_rows({rows.data(), some}, {unit.data(), all}, dim, kNeighbors);
  int64_t found = 0;
  for (size_t query = 0; query < some.size(); ++query) {
    const auto item = static_cast<size_t>(some[query]);
    const auto begin = graph.neighbor.begin() + graph.offset[item],
               end = graph.neighbor.begin() + graph.offset[item + 1];
    for (const Scored& near : best[query]) found += std::binary_search(begin, end, near.index);
  }
  return static_cast<double>(found) / static_cast<double>(queries * kNeighbors);
}

void run(const std::string& source, const std::string& out) {
  const bool number = source.find_first_not_of("0123456789") == std::string::npos;
  const auto catalogue = [&] { return number ? invent(std::stoll(source)) : load(source); };
  Catalogue items = catalogue();
  fmt::print("{} items, {} dimensions\n", items.size(), items.dim);
  reset_peak_memory();
  Graph graph;
  measure("graph", [&] {
    graph = knn_graph(std::move(items.vectors), items.dim, {.neighbors = kNeighbors, .seed = 1});
  });
  fmt::print("{:.1f} edges an item\n",
             static_cast<double>(graph.neighbor.size()) / 2 / static_cast<double>(items.size()));
  items = catalogue();
  const auto vectors = [&] { return out.empty() ? std::move(items.vectors) : items.vectors; };
  fmt::print("recall of the graph: {:.4f}\n",
             recall(graph, unit_rows(vectors(), items.dim), items.dim));
  reset_peak_memory();
  ClusterTree tree;
  measure("tree", [&] { tree = build_tree(graph, items.traffic, kShape); });
  for (const LevelFigures& level : measure_tree(tree, graph, kShape, {}))
    fmt::print(
        "{} clusters: max/avg {:.3f} of {:.3f}, min/avg {:.3f} of {:.3f}, bound {}, cut {:.4f}\n",
        level.clusters, level.max_over_avg, level.bound_upper, level.min_over_avg,
        level.bound_lower, level.bound_met ? "met" : "not met", level.cut);

  if (out.empty()) return;
  const LevelBalance balance = balance_levels(items.traffic, kShape)[1];
  write_hdf5(out, [&](Hdf5File& file) {
    file.write("/offset", graph.offset);
    file.write("/neighbor", graph.neighbor);
    file.write("/edge_weight", graph.weight);
    file.write("/item_weight", balance.traffic.weight);
    file.write("/bound", std::vector<double>{balance.bound.lower, balance.bound.upper});
    file.write("/tree", tree.planning().assignment);
    file.write<float>("/vectors", items.vectors, {items.size(), items.dim});
  });
}

}  // namespace
}  // namespace serendip

int main(int count, char** arguments) {
  try {
    SERENDIP_CHECK(count == 2 || count == 3, "usage: cluster_bench ITEMS|RUN_FOLDER [OUT.h5]");
    serendip::run(arguments[1], count == 3 ? arguments[2] : "");
  } catch (const std::exception& error) {
    fmt::print(stderr, "cluster_bench: {}\n", error.what());
    return 1;
  }
}
