// What a good tree keeps: planted clusters found, the same tree whatever the unit of the traffic,
// balance on a day that it has not seen.
#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "clusters/knn_graph.h"
#include "clusters/tree_builder.h"
#include "clusters/tree_report.h"
#include "tests/clusters/synthetic.h"

namespace serendip {
namespace {

using Labels = std::vector<int32_t>;

double pairs(double count) { return count * (count - 1) / 2; }

// Hubert and Arabie 1985: 1 for the same partition, 0 on average for unrelated ones.
double adjusted_rand_index(const Labels& a, const Labels& b) {
  std::map<std::pair<int32_t, int32_t>, double> both;
  std::map<int32_t, double> in_a, in_b;
  for (size_t i = 0; i < a.size(); ++i) {
    ++both[{a[i], b[i]}];
    ++in_a[a[i]];
    ++in_b[b[i]];
  }
  const auto sum_of_pairs = [](const auto& counts) {
    return std::accumulate(counts.begin(), counts.end(), 0.0,
                           [](double sum, const auto& entry) { return sum + pairs(entry.second); });
  };
  const double pairs_a = sum_of_pairs(in_a), pairs_b = sum_of_pairs(in_b);
  const double expected = pairs_a * pairs_b / pairs(static_cast<double>(a.size()));
  return (sum_of_pairs(both) - expected) / ((pairs_a + pairs_b) / 2 - expected);
}

TEST(AdjustedRandIndex, ByHand) {
  EXPECT_DOUBLE_EQ(adjusted_rand_index({0, 0, 1, 1}, {5, 5, 2, 2}), 1);
  EXPECT_NEAR(adjusted_rand_index({0, 0, 1, 1}, {0, 0, 1, 2}), 4.0 / 7, 1e-12);
  EXPECT_NEAR(adjusted_rand_index({0, 0, 1, 1}, {0, 1, 0, 1}), -0.5, 1e-12);
}

constexpr int64_t kDim = 32, kFields = 8, kTopics = 64, kItems = 3200;

// Topics around fields, items around topics: item i is of topic i % 64 and field i % 8.
std::vector<float> planted_vectors(double noise) {
  std::vector<float> vectors;
  for (int64_t item = 0; item < kItems; ++item) {
    Random field(1, static_cast<uint64_t>(item % kFields)),
        topic(2, static_cast<uint64_t>(item % kTopics)), own(3, static_cast<uint64_t>(item));
    for (int64_t d = 0; d < kDim; ++d)
      vectors.push_back(
          static_cast<float>(field.normal() + 0.7 * topic.normal() + noise * own.normal()));
  }
  return vectors;
}

Labels planted(int64_t groups) {
  Labels labels;
  for (int64_t item = 0; item < kItems; ++item)
    labels.push_back(static_cast<int32_t>(item % groups));
  return labels;
}

TreeShape planted_shape() {
  TreeShape shape;
  shape.clusters = {kFields, kTopics, 2 * kTopics, 4 * kTopics};
  return shape;
}

TEST(KeptQuality, PlantedFieldsAndTopicsAreFound) {
  const TreeShape shape = planted_shape();
  // The planted clusters are within the bound; half of the neighbours are of other topics.
  const Graph graph = knn_graph(planted_vectors(0.6), kDim, {.neighbors = 100});
  const ClusterTree tree = build_tree(graph, std::vector<double>(kItems, 2), shape);
  EXPECT_GT(adjusted_rand_index(tree.level(2).assignment, planted(kTopics)), 0.95);
  EXPECT_GT(adjusted_rand_index(tree.level(1).assignment, planted(kFields)), 0.7);
  // Level 3 halves the topics, so that it says less of them; nothing is left without them.
  const Labels& finer = tree.level(3).assignment;
  EXPECT_GT(adjusted_rand_index(finer, planted(kTopics)), 0.5);
  Labels shuffled = planted(kTopics);
  Random(5).shuffle(shuffled);
  EXPECT_NEAR(adjusted_rand_index(tree.level(2).assignment, shuffled), 0, 0.01);
}

TEST(KeptQuality, TopicsBlurredByNoiseAndZipfTrafficAreMostlyFound) {
  const ClusterTree tree = build_tree(knn_graph(planted_vectors(1.0), kDim, {}),
                                      zipf_traffic(kItems, 20000, 6), planted_shape());
  EXPECT_GT(adjusted_rand_index(tree.level(2).assignment, planted(kTopics)), 0.6);
}

TEST(KeptQuality, TheUnitOfTrafficAndVectorsDoesNotMatter) {
  const std::vector<float> vectors = planted_vectors(1.0);
  const std::vector<double> traffic = zipf_traffic(kItems, 20000, 6);
  const Graph graph = knn_graph(vectors, kDim, {});
  const ClusterTree tree = build_tree(graph, traffic, planted_shape());
  const auto in_unit = [&](double unit) {
    std::vector<double> scaled = traffic;
    for (double& value : scaled) value *= unit;
    return build_tree(graph, scaled, planted_shape());
  };
  const ClusterTree exact = in_unit(1024), rounded = in_unit(1e-3);
  for (int level = 1; level <= kTreeLevels; ++level) {
    SCOPED_TRACE(level);
    EXPECT_EQ(exact.level(level).assignment, tree.level(level).assignment);
    // Where the unit is no power of two, rounding may turn a tie.
    EXPECT_GT(adjusted_rand_index(rounded.level(level).assignment, tree.level(level).assignment),
              0.97);
  }
  std::vector<float> doubled = vectors;
  for (float& value : doubled) value *= 2;
  const Graph same = knn_graph(doubled, kDim, {});
  EXPECT_EQ(same.neighbor, graph.neighbor);
  EXPECT_EQ(same.weight, graph.weight);
}

// Events of one day: items drawn in proportion to their popularity.
std::vector<double> draw_day(const std::vector<double>& popularity, int64_t events, uint64_t seed) {
  std::vector<double> sums(popularity.size());
  std::partial_sum(popularity.begin(), popularity.end(), sums.begin());
  std::vector<double> traffic(popularity.size(), 0);
  Random random(seed);
  for (int64_t event = 0; event < events; ++event) {
    const auto item =
        std::upper_bound(sums.begin(), sums.end(), random.uniform() * sums.back()) - sums.begin();
    ++traffic[static_cast<size_t>(item)];
  }
  return traffic;
}

TEST(KeptQuality, BalanceOnADayNotSeen) {
  const Graph graph = knn_graph(planted_vectors(0.6), kDim, {});
  std::vector<double> popularity = zipf_traffic(kItems, 20000, 6);
  for (double& value : popularity) value = std::min(value, 100.0);  // no giants
  for (size_t item = 0; item < popularity.size(); ++item)
    if (item % kTopics < 4) popularity[item] *= 4;  // topics that are in favour
  const TreeShape shape = planted_shape();
  const ClusterTree tree = build_tree(graph, draw_day(popularity, 200000, 7), shape);
  const auto figures = measure_tree(tree, graph, shape, draw_day(popularity, 50000, 8));
  EXPECT_LE(figures[1].max_over_avg, figures[1].bound_upper);
  EXPECT_GT(figures[1].max_over_avg_later, 1);
  EXPECT_LT(figures[1].max_over_avg_later, figures[1].bound_upper + 0.15);
  // Clusters by likeness alone are far from it.
  const auto topics = sum_by_cluster(draw_day(popularity, 50000, 8), planted(kTopics), kTopics);
  EXPECT_GT(*std::max_element(topics.begin(), topics.end()) * kTopics / 50000, 2.5);
}

TEST(KeptQuality, LaterImbalanceByHand) {
  ClusterTree tree;
  tree.item_traffic.assign(80, 1);
  TreeShape shape;
  shape.clusters = {2, 4, 8, 16};
  for (int number = 1; number <= kTreeLevels; ++number) {
    TreeLevel& level = tree.levels[static_cast<size_t>(number - 1)];
    level.parent.assign(static_cast<size_t>(shape.count(number)), 0);
    for (int32_t item = 0; item < 80; ++item)
      level.assignment.push_back(item * static_cast<int32_t>(shape.count(number)) / 80);
  }
  std::vector<double> later(80, 0);
  later[0] = 3;   // cluster 0 of every level
  later[79] = 1;  // the last one
  const auto figures = measure_tree(tree, graph_of_edges(80, {}), shape, later);
  EXPECT_DOUBLE_EQ(figures[0].max_over_avg_later, 1.5);
  EXPECT_DOUBLE_EQ(figures[1].max_over_avg_later, 3);
  EXPECT_DOUBLE_EQ(figures[3].max_over_avg_later, 12);
}

}  // namespace
}  // namespace serendip
