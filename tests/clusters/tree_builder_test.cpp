#include "clusters/tree_builder.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <numeric>
#include <set>

#include "base/random.h"
#include "clusters/cluster.h"
#include "clusters/knn_graph.h"
#include "data/split.h"
#include "tests/base/temporary_folder.h"
#include "tests/clusters/movielens.h"
#include "tests/clusters/synthetic.h"

namespace serendip {
namespace {

TreeShape shape_of(int64_t level_1, int64_t level_2, int64_t fan_out_3, int64_t fan_out_4) {
  TreeShape shape;
  shape.clusters = {level_1, level_2, level_2 * fan_out_3, level_2 * fan_out_3 * fan_out_4};
  return shape;
}

void expect_bound(const ClusterTree& tree, const TreeShape& shape, int level) {
  const LevelBalance balance =
      balance_levels(tree.item_traffic, shape)[static_cast<size_t>(level - 1)];
  for (const double sum :
       sum_by_cluster(balance.traffic.weight, tree.level(level).assignment, shape.count(level)))
    EXPECT_TRUE(balance.bound.holds(sum)) << "level " << level << ": " << sum;
}

// The rules of the design, checked from the assignment alone.
void expect_sound(const ClusterTree& tree, const TreeShape& shape) {
  for (int number = 1; number <= kTreeLevels; ++number) {
    const TreeLevel& level = tree.level(number);
    ASSERT_EQ(level.cluster_count(), shape.count(number));
    EXPECT_TRUE(std::is_sorted(level.parent.begin(), level.parent.end())) << "level " << number;
    std::vector<int64_t> items(level.parent.size(), 0);
    for (size_t i = 0; i < level.assignment.size(); ++i) {
      const auto cluster = static_cast<size_t>(level.assignment[i]);
      ++items[cluster];
      if (number > 1) {
        ASSERT_EQ(level.parent[cluster], tree.level(number - 1).assignment[i]);
      }
    }
    EXPECT_GT(*std::min_element(items.begin(), items.end()), 0) << "level " << number;
  }
  expect_bound(tree, shape, kPlanningLevel);
  std::vector<int64_t> group_size(static_cast<size_t>(shape.count(1)), 0);
  for (const int32_t parent : tree.planning().parent) ++group_size[static_cast<size_t>(parent)];
  for (const int64_t size : group_size) {
    EXPECT_GE(size, shape.count(2) / shape.count(1));
    EXPECT_LE(size, (shape.count(2) + shape.count(1) - 1) / shape.count(1));
  }
}

TEST(ShareChildren, InProportionToTraffic) {
  EXPECT_EQ(share_children({1, 2, 3}, {9, 9, 9}, 12), (std::vector<int64_t>{2, 4, 6}));
}

TEST(ShareChildren, AtLeastOneAndNoMoreThanItems) {
  EXPECT_EQ(share_children({0, 100, 1}, {5, 3, 5}, 7), (std::vector<int64_t>{1, 3, 3}));
  EXPECT_EQ(share_children({0, 0}, {2, 2}, 4), (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(share_children({1, 1}, {2, 2}, 3), (std::vector<int64_t>{2, 1}));
}

// The ratio of the largest average of a cluster's children to the smallest is the least there is.
TEST(ShareChildren, NoOtherSharingHasALesserRatioBetweenTwo) {
  Random random(3);
  for (int trial = 0; trial < 100; ++trial) {
    std::vector<double> traffic(6);
    for (double& value : traffic) value = 0.5 + 3 * random.uniform();
    const std::vector<int64_t> children = share_children(traffic, std::vector<int64_t>(6, 99), 20);
    const auto ratio = [&](size_t a, int64_t of_a, size_t b, int64_t of_b) {
      const double first = traffic[a] / static_cast<double>(of_a);
      const double second = traffic[b] / static_cast<double>(of_b);
      return std::max(first / second, second / first);
    };
    for (size_t a = 0; a < 6; ++a)
      for (size_t b = 0; b < 6; ++b)
        if (a != b && children[b] > 1) {
          EXPECT_LE(ratio(a, children[a], b, children[b]),
                    ratio(a, children[a] + 1, b, children[b] - 1));
        }
  }
}

TEST(TreeBuilder, ZipfTrafficAtPaperScaleOfClusters) {
  const int64_t count = 20000;
  const Graph graph = knn_graph(grouped_vectors(count, 32, 900, 1), 32, {});
  const TreeShape shape = shape_of(20, 761, 2, 2);
  const ClusterTree tree = build_tree(graph, zipf_traffic(count, 100000, 2), shape);
  expect_sound(tree, shape);
  for (const int level : {1, 3, 4}) expect_bound(tree, shape, level);
}

TEST(TreeBuilder, SameForAnyThreadCount) {
  const std::vector<float> vectors = grouped_vectors(3000, 16, 70, 3);
  const std::vector<double> traffic = zipf_traffic(3000, 10000, 4);
  const int before = omp_get_max_threads();
  std::vector<ClusterTree> trees;
  for (const int threads : {1, 2}) {
    omp_set_num_threads(threads);
    trees.push_back(build_tree(knn_graph(vectors, 16, {}), traffic, shape_of(8, 64, 2, 2)));
  }
  omp_set_num_threads(before);
  for (size_t index = 0; index < kTreeLevels; ++index) {
    EXPECT_EQ(trees[0].levels[index].assignment, trees[1].levels[index].assignment);
  }
}

TEST(TreeBuilder, AsFewItemsAsTheCapAllows) {
  const TreeShape shape = shape_of(3, 10, 1, 2);  // 20 leaves need more than 40 items with traffic
  const Graph graph = knn_graph(grouped_vectors(41, 8, 5, 5), 8, {});
  expect_sound(build_tree(graph, std::vector<double>(41, 2.0), shape), shape);
}

TEST(TreeBuilder, TooFewItems) {
  const Graph graph = graph_of_edges(100, {});
  EXPECT_EQ(
      error_of([&] { build_tree(graph, std::vector<double>(100, 1.0), shape_of(4, 32, 2, 2)); }),
      "100 items cannot make 128 clusters of level 4: one item for each is needed");
  EXPECT_EQ(
      error_of([&] { build_tree(graph, std::vector<double>(100, 1.0), shape_of(4, 16, 2, 2)); }),
      "level 4 has 64 clusters, which needs more than 128 items with traffic (clusters / "
      "giant_share 0.5); only 100 of 100 items have any");
}

class MovieLens : public testing::Test {
 protected:
  void SetUp() override {
    data_ = load_movielens();
    if (!data_) GTEST_SKIP() << "ml-latest-small.zip is not in the data folder";
  }
  std::optional<Dataset> data_;
};

TEST_F(MovieLens, BalanceAndNestingWith128Clusters) {
  ClusterOptions options;
  options.clusters = 128;
  const ClusterResult result = cluster_dataset(options, *data_, "movielens");
  validate_tree(result.tree, "movielens");
  expect_sound(result.tree, shape_of(8, 128, 2, 2));
  double training_events = 0;
  for (size_t user = 0; user < data_->user_id.size(); ++user) {
    if (split_of(data_->user_id[user]) != Split::kTrain) continue;
    training_events += static_cast<double>(data_->user_offset[user + 1] - data_->user_offset[user]);
  }
  const std::vector<double>& traffic = result.tree.item_traffic;
  EXPECT_EQ(std::accumulate(traffic.begin(), traffic.end(), 0.0), training_events);

  ASSERT_EQ(result.report["levels"].size(), 4u);
  for (const nlohmann::json& level : result.report["levels"]) {
    for (const char* key : {"level", "clusters", "bound_met", "max_over_avg", "min_over_avg",
                            "max_over_avg_later", "cut", "conductance", "entropy"}) {
      EXPECT_TRUE(level.contains(key)) << key;
    }
  }
  for (const nlohmann::json& level : result.report["levels"])
    EXPECT_TRUE(level["bound_met"].get<bool>()) << level;
  // Random clusters of the same number would cut 127 / 128 of the edge weight.
  EXPECT_LT(result.report["levels"][1]["cut"].get<double>(), 0.6);
}

TEST_F(MovieLens, RefusesMoreClustersThanTheTrafficAllows) {
  ClusterOptions options;
  options.clusters = 1200;
  EXPECT_NE(error_of([&] { cluster_dataset(options, *data_, "data.h5"); })
                .find("data.h5: level 4 has 4800 clusters, which needs more than 9600 items with "
                      "traffic"),
            std::string::npos);
}

TEST(ClusterOptions, RefusedCombinations) {
  ClusterOptions options;
  options.clusters_level_1 = 64;
  EXPECT_EQ(error_of([&] { cluster_dataset(options, {}, "data.h5"); }),
            "cluster.clusters_level_1 is 64, expected less than cluster.clusters (64)");
  options = {};
  options.giant_share = 0.8;
  EXPECT_NE(error_of([&] { cluster_dataset(options, {}, "data.h5"); }).find("giant_share is 0.8"),
            std::string::npos);
  options = {};
  EXPECT_NE(error_of([&] { cluster_dataset(options, {}, "data.h5"); }).find("no /items/embedding"),
            std::string::npos);
}

}  // namespace
}  // namespace serendip
