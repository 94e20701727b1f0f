#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "recsys/bm25.h"
#include "recsys/keyword_policy.h"
#include "recsys/policy.h"
#include "recsys/simple_policies.h"
#include "tests/base/temporary_folder.h"
#include "tests/recsys/small_world.h"

namespace serendip {
namespace {

constexpr int64_t kItems = 40;

// By the definition: softmax over the items that the clusters hold, in double.
std::vector<Recommendation> naive_best(const std::vector<float>& scores,
                                       const PolicyRequest& request, const ClusterTree& tree) {
  const std::vector<int32_t>& assignment = tree.level(request.level).assignment;
  const auto contains = [](const std::vector<int32_t>& values, int32_t value) {
    return std::find(values.begin(), values.end(), value) != values.end();
  };
  std::vector<Recommendation> all;
  double z = 0.0;
  for (size_t item = 0; item < scores.size(); ++item) {
    if (!request.clusters.empty() && !contains(request.clusters, assignment[item])) continue;
    z += std::exp(static_cast<double>(scores[item]));
    if (!request.exclude_seen || !contains(request.history.item, static_cast<int32_t>(item)))
      all.push_back({static_cast<int32_t>(item), static_cast<double>(scores[item])});
  }
  for (Recommendation& entry : all) entry.log_prob -= std::log(z);
  std::stable_sort(all.begin(), all.end(), [](const auto& left, const auto& right) {
    return left.log_prob > right.log_prob;
  });
  all.resize(std::min(all.size(), static_cast<size_t>(request.k)));
  return all;
}

void expect_same(const std::vector<Recommendation>& actual,
                 const std::vector<Recommendation>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t rank = 0; rank < actual.size(); ++rank) {
    EXPECT_EQ(actual[rank].item, expected[rank].item) << rank;
    EXPECT_NEAR(actual[rank].log_prob, expected[rank].log_prob, 1e-12) << rank;
  }
}

// The whole catalogue, clusters of two levels, seen items kept, more asked for than there are.
std::vector<PolicyRequest> requests() {
  const History history{{3, 17, 3, 25}};
  return {{history, {}, 5},
          {history, {1}, 5},
          {history, {0, 3, 0}, 100, false, 3},
          {history, {2, 5}, 3, true, 4}};
}

TEST(BestItems, EqualTheDefinition) {
  const ClusterTree tree = small_tree(kItems, 8);
  std::vector<float> scores;
  for (int64_t item = 0; item < kItems; ++item)
    scores.push_back(static_cast<float>(item * 7 % 11) - 3.0f);  // with ties
  for (const PolicyRequest& request : requests())
    expect_same(best_items(scores, request, tree), naive_best(scores, request, tree));
  const double log_prob = best_items(scores, requests()[0], tree)[0].log_prob;
  for (float& score : scores) score += 1000.0f;
  EXPECT_NEAR(best_items(scores, requests()[0], tree)[0].log_prob, log_prob, 1e-12);
}

TEST(BestItems, RefuseBadRequests) {
  const ClusterTree tree = small_tree(kItems, 8);
  const std::vector<float> scores(kItems);
  const auto error = [&](const PolicyRequest& request) {
    return error_of([&] { best_items(scores, request, tree); });
  };
  EXPECT_EQ(error({{{40}}}), "recommend: item in the history: expected 0 to 39, got 40");
  EXPECT_EQ(error({{{1}}, {2}}), "recommend: cluster: expected 0 to 1 at level 2, got 2");
  EXPECT_EQ(error({{{1}}, {}, 0}), "recommend: k: expected at least 1, got 0");
  EXPECT_EQ(error({{{1}}, {}, 5, true, 5}), "recommend: level: expected 1 to 4, got 5");
}

TEST(PopularityPolicy, IsInProportionToOnePlusTheCount) {
  const ClusterTree tree = small_tree(kItems, 8);
  std::vector<int64_t> count(kItems);
  for (int64_t item = 0; item < kItems; ++item) count[static_cast<size_t>(item)] = item % 5 * item;
  const PopularityPolicy policy(tree, count);
  const PolicyRequest request{{{3}}, {1}, kItems, false};
  double total = 0.0;
  std::map<int32_t, double> expected;
  for (size_t item = 0; item < count.size(); ++item)
    if (tree.planning().assignment[item] == 1) {
      expected[static_cast<int32_t>(item)] = 1.0 + static_cast<double>(count[item]);
      total += 1.0 + static_cast<double>(count[item]);
    }
  const auto best = policy.recommend(request);
  ASSERT_EQ(best.size(), expected.size());
  for (const auto& [item, log_prob] : best)
    EXPECT_NEAR(std::exp(log_prob), expected[item] / total, 1e-6);  // logs kept in float32
  EXPECT_EQ(error_of([&] {
              PopularityPolicy(tree, {1, 2});
            }),
            "popularity: expected a count of each of 40 items, got 2");
}

TEST(RandomPolicy, DrawsEvenlyWithoutReplacementAndDependsOnSeedAndHistory) {
  const ClusterTree tree = small_tree(kItems, 8);
  std::vector<int64_t> first(kItems);
  for (int32_t user = 0; user < 4000; ++user) {
    const RandomPolicy policy(tree, static_cast<uint64_t>(user));
    const auto drawn = policy.recommend({{{user % 40, 1}}, {1}, 3, false});
    ASSERT_EQ(drawn.size(), 3u);
    EXPECT_NE(drawn[0].item, drawn[1].item);
    EXPECT_NEAR(drawn[0].log_prob, -std::log(20.0), 1e-12);
    ++first[static_cast<size_t>(drawn[0].item)];
  }
  // 200 expected of each of the cluster's 20 items: five standard errors are 69.
  for (size_t item = 0; item < first.size(); ++item)
    EXPECT_NEAR(static_cast<double>(first[item]),
                tree.planning().assignment[item] == 1 ? 200.0 : 0.0, 69.0);
  const RandomPolicy policy(tree, 1);
  EXPECT_EQ(policy.scores({{{1, 2}}}), policy.scores({{{1, 2}}}));
  EXPECT_NE(policy.scores({{{1, 2}}}), policy.scores({{{2, 1}}}));
  EXPECT_NE(policy.scores({{{1, 2}}}), RandomPolicy(tree, 2).scores({{{1, 2}}}));
}

TEST(Bm25, EqualsAComputationByHand) {
  const Bm25Index index({{"space", "space", "opera"}, {"noir"}, {"space", "noir"}, {}, {"x", "y"}});
  // 5 documents of mean length 8 / 5; "space" is in 2 of them, "opera" in 1.
  const double space = std::log(1.0 + (5 - 2 + 0.5) / (2 + 0.5));
  const double opera = std::log(1.0 + (5 - 1 + 0.5) / (1 + 0.5));
  const auto term = [](double idf, double frequency, double length) {
    return idf * frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * length / 1.6));
  };
  const std::vector<float> scores = index.scores({"space", "opera", "missing"});
  EXPECT_NEAR(scores[0], term(space, 2, 3) + term(opera, 1, 3), 1e-6);
  EXPECT_EQ(scores[1], 0.0f);
  EXPECT_NEAR(scores[2], term(space, 1, 2), 1e-6);
  EXPECT_EQ(scores[3], 0.0f);
  EXPECT_NEAR(index.scores({"opera", "opera"})[0], 2 * term(opera, 1, 3), 1e-6);
}

TEST(KeywordPolicy, SearchesTheWholeCatalogueForTheClustersDescription) {
  ClusterTree tree = small_tree(kItems, 8);
  tree.levels[1].description = {"noir, detective", "space, opera"};
  std::vector<std::string> title(kItems, "Untitled"), text(kItems, "drama");
  title[4] = "A Space Opera";
  text[9] = "detective stories";
  title[12] = "Space";
  const KeywordPolicy policy(tree, title, text);
  const auto found = policy.recommend({{{12}}, {1}, 1});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].item, 4);
  EXPECT_EQ(policy.recommend({{{12}}, {0}, 1})[0].item, 9);
  // The best match lies in another cluster than the one searched for.
  const int32_t other = 1 - tree.planning().assignment[9];
  tree.levels[1].description = {other == 0 ? "detective" : "none", other == 1 ? "detective" : "no"};
  EXPECT_EQ(policy.recommend({{{12}}, {other}, 1})[0].item, 9);
  EXPECT_EQ(error_of([&] { policy.recommend({{{12}}}); }),
            "keyword search: expected clusters whose descriptions are the query, got none");
}

}  // namespace
}  // namespace serendip
