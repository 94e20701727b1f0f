#include "clusters/partition.h"

#include <gtest/gtest.h>

#include "clusters/grouping.h"
#include "clusters/knn_graph.h"
#include "tests/base/temporary_folder.h"
#include "tests/clusters/synthetic.h"

namespace serendip {
namespace {

// What a planner asks for: giants capped, then the bound.
BalancedPartition partition_traffic(const Graph& graph, const std::vector<double>& traffic,
                                    int64_t parts, std::vector<double>& weight,
                                    TrafficBound& bound) {
  const CappedTraffic capped = cap_giants(traffic, parts, 0.5, "level 2");
  weight = capped.weight;
  bound = traffic_bound(capped.total, capped.largest, parts, 0.05, 0.5);
  PartitionGoal goal;
  goal.parts = parts;
  goal.bound = bound;
  return balanced_partition(graph, weight, goal);
}

void expect_balanced(const Graph& graph, const std::vector<double>& traffic, int64_t parts) {
  std::vector<double> weight;
  TrafficBound bound;
  const BalancedPartition result = partition_traffic(graph, traffic, parts, weight, bound);
  EXPECT_TRUE(result.bound_held);
  std::vector<int64_t> items(static_cast<size_t>(parts), 0);
  for (const int32_t part : result.part) {
    ASSERT_TRUE(part >= 0 && part < parts);
    ++items[static_cast<size_t>(part)];
  }
  const std::vector<double> sums = sum_by_cluster(weight, result.part, parts);
  for (size_t c = 0; c < sums.size(); ++c) {
    EXPECT_LE(sums[c], bound.upper) << "part " << c;
    EXPECT_GE(sums[c], bound.lower) << "part " << c;
    EXPECT_GT(items[c], 0) << "part " << c;
  }
}

Graph isolated(int64_t vertices) { return graph_of_edges(vertices, {}); }

Graph ring(int32_t vertices) {
  std::vector<WeightedEdge> edges;
  for (int32_t v = 0; v < vertices; ++v) edges.push_back({v, (v + 1) % vertices, 10});
  return graph_of_edges(vertices, edges);
}

Graph star(int32_t vertices) {
  std::vector<WeightedEdge> edges;
  for (int32_t v = 1; v < vertices; ++v) edges.push_back({0, v, 10});
  return graph_of_edges(vertices, edges);
}

// `cliques` complete graphs of `size` vertices; the first vertices of them form a weak ring.
Graph ring_of_cliques(int32_t cliques, int32_t size) {
  std::vector<WeightedEdge> edges;
  for (int32_t c = 0; c < cliques; ++c) {
    for (int32_t a = 0; a < size; ++a) {
      for (int32_t b = a + 1; b < size; ++b) edges.push_back({c * size + a, c * size + b, 100});
    }
    edges.push_back({c * size, (c + 1) % cliques * size, 1});
  }
  return graph_of_edges(cliques * size, edges);
}

std::vector<double> random_traffic(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<double> traffic;
  for (int64_t i = 0; i < count; ++i) {
    traffic.push_back(std::floor(1 / (0.001 + random.uniform())));
  }
  return traffic;
}

TEST(BalancedPartition, NoEdgesAtAll) {
  expect_balanced(isolated(500), random_traffic(500, 1), 40);
}

TEST(BalancedPartition, UnequalComponents) {
  // A large ring, and 300 pairs.
  std::vector<WeightedEdge> edges;
  for (int32_t v = 0; v < 1000; ++v) edges.push_back({v, (v + 1) % 1000, 5});
  for (int32_t pair = 0; pair < 300; ++pair) edges.push_back({1000 + 2 * pair, 1001 + 2 * pair, 5});
  expect_balanced(graph_of_edges(1600, edges), random_traffic(1600, 2), 100);
}

TEST(BalancedPartition, OneHeavyItem) {
  std::vector<double> traffic(400, 1.0);
  traffic[17] = 1e9;
  expect_balanced(ring(400), traffic, 30);
}

TEST(BalancedPartition, FourEqualItemsAPart) {
  expect_balanced(ring(800), std::vector<double>(800, 1.0), 200);
  expect_balanced(isolated(800), std::vector<double>(800, 3.0), 200);
  expect_balanced(star(800), std::vector<double>(800, 1.0), 200);
}

TEST(BalancedPartition, FourItemsAPartOfUnequalTraffic) {
  expect_balanced(ring(800), random_traffic(800, 3), 200);
  expect_balanced(star(800), random_traffic(800, 4), 200);
}

TEST(BalancedPartition, MostItemsWithoutTraffic) {
  std::vector<double> traffic(2000, 0.0);
  for (size_t i = 0; i < 110; ++i) traffic[i] = 1.0 + static_cast<double>(i % 7);
  expect_balanced(ring(2000), traffic, 50);
  expect_balanced(isolated(2000), traffic, 50);
  expect_balanced(knn_graph(grouped_vectors(2000, 8, 20, 5), 8, {}), traffic, 50);
}

TEST(BalancedPartition, BarelyEnoughItemsWithTraffic) {
  // 2k + 1 items carry traffic, of very unequal weight.
  std::vector<double> traffic(600, 0.0);
  for (size_t i = 0; i < 101; ++i) traffic[5 * i] = static_cast<double>(1 + i * i * i);
  expect_balanced(ring(600), traffic, 50);
}

TEST(BalancedPartition, ManySmallCases) {
  Random random(9);
  for (int trial = 0; trial < 200; ++trial) {
    const auto parts = static_cast<int64_t>(2 + random.below(12));
    const int64_t count = parts * 3 + static_cast<int64_t>(random.below(40));
    std::vector<double> traffic(static_cast<size_t>(count));
    for (double& value : traffic) value = std::floor(std::exp(6 * random.uniform()));
    SCOPED_TRACE(trial);
    expect_balanced(trial % 2 == 0 ? ring(static_cast<int32_t>(count)) : isolated(count), traffic,
                    parts);
  }
}

TEST(BalancedPartition, FindsTheCliques) {
  const Graph graph = ring_of_cliques(32, 10);
  std::vector<double> weight;
  TrafficBound bound;
  const BalancedPartition result =
      partition_traffic(graph, std::vector<double>(320, 1.0), 32, weight, bound);
  EXPECT_EQ(cut_of(graph, result.part).between, 32);
}

TEST(BalancedPartition, TooFewItems) {
  EXPECT_EQ(error_of([] {
              PartitionGoal goal;
              goal.parts = 20;
              balanced_partition(ring(19), std::vector<double>(19, 1.0), goal);
            }),
            "19 items cannot make 20 clusters");
}

TEST(GroupClusters, CountsAreEqualAndCutSmall) {
  const Graph graph = ring(61);
  const std::vector<double> traffic(61, 1.0);
  const TrafficBound bound = traffic_bound(61, 1, 8, 0.05, 0.5);
  const std::vector<int32_t> group = group_clusters(graph, traffic, 8, bound, 1);
  std::vector<int64_t> size(8, 0);
  for (const int32_t g : group) ++size[static_cast<size_t>(g)];
  std::sort(size.begin(), size.end());
  EXPECT_EQ(size, (std::vector<int64_t>{7, 7, 7, 8, 8, 8, 8, 8}));
  EXPECT_LE(cut_of(graph, group).between, 10 * 10);  // 8 arcs are the least
}

TEST(GroupClusters, TrafficBoundBeforeCut) {
  // Four heavy neighbours must not end up in one group of four.
  std::vector<double> traffic(16, 1.0);
  for (size_t i = 0; i < 4; ++i) traffic[i] = 5.0;
  const TrafficBound bound = {8, 7, 9};  // each group: one heavy, three light
  const std::vector<int32_t> group = group_clusters(ring(16), traffic, 4, bound, 1);
  for (const double sum : sum_by_cluster(traffic, group, 4)) EXPECT_EQ(sum, 8);
}

}  // namespace
}  // namespace serendip
