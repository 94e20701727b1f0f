#include "recsys/recommender.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/file.h"
#include "base/reproducible.h"
#include "recsys/bandit_policy.h"
#include "recsys/train.h"
#include "tests/base/temporary_folder.h"
#include "tests/recsys/small_world.h"

namespace serendip {
namespace {

const bool kReproducible = (use_reproducible_products(), true);  // before the first product

constexpr int64_t kItems = 96, kFinest = 16;

// One small trained recommender for the whole suite.
class RecommenderTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    files = new TemporaryFolder();
    save_tree(small_tree(kItems, kFinest), *files / "tree.h5");
    save_dataset(markov_dataset(300, kItems, 20), *files / "data.h5");
    result = train("recommender");
  }
  static void TearDownTestSuite() {
    delete files;
    files = nullptr;
  }
  static nlohmann::json train(const std::string& folder) {
    return train_recommender(quick_options(), *files / "data.h5", *files / "tree.h5",
                             *files / folder);
  }
  static Recommender load() {
    return Recommender::load(*files / "recommender", small_tree(kItems, kFinest));
  }

  static inline TemporaryFolder* files = nullptr;
  static inline nlohmann::json result;
};

TEST_F(RecommenderTest, BeatsPopularityOnAMarkovWalk) {
  // Two equally likely successors: a perfect model ranks the next item first or second.
  EXPECT_GT(result["test"]["ndcg_at_10"], 0.6);
  EXPECT_LT(result["popularity"]["ndcg_at_10"], 0.2);
  EXPECT_EQ(result["test"]["users"], 300);
}

TEST_F(RecommenderTest, EvaluationOfTheSavedFolderEqualsTraining) {
  const nlohmann::json evaluation = evaluate_recommender(
      quick_options(), *files / "data.h5", *files / "tree.h5", *files / "recommender");
  EXPECT_EQ(evaluation["test"], result["test"]);
  EXPECT_EQ(evaluation["popularity"], result["popularity"]);
  EXPECT_EQ(evaluation["validation_ndcg_at_10"], result["validation_ndcg_at_10"]);
}

TEST_F(RecommenderTest, SameSeedSameBytes) {
  EXPECT_EQ(train("again"), result);
  for (const char* name : {"model.safetensors", "config.json"})
    EXPECT_EQ(read_file(*files / "again" / name), read_file(*files / "recommender" / name)) << name;
}

TEST_F(RecommenderTest, RestrictedProbabilitiesAreTheFullPolicyRenormalised) {
  const Recommender recommender = load();
  const ClusterTree tree = small_tree(kItems, kFinest);
  const std::vector<int32_t> history{4, 23, 17, 88};
  const auto full = recommender.recommend(history, {}, kItems, false);
  ASSERT_EQ(full.size(), static_cast<size_t>(kItems));
  double total = 0.0;
  for (const auto& [item, log_prob] : full) total += std::exp(log_prob);
  EXPECT_NEAR(total, 1.0, 1e-5);

  for (const int level : {1, 2, 4}) {
    const std::set<int32_t> clusters{0, 1};
    const auto inside = [&](int32_t item) {
      return clusters.contains(tree.level(level).assignment[static_cast<size_t>(item)]);
    };
    std::vector<Recommender::Recommendation> expected;
    double mass = 0.0;
    for (const auto& entry : full)
      if (inside(entry.item)) {
        expected.push_back(entry);
        mass += std::exp(entry.log_prob);
      }
    const auto restricted = recommender.recommend(history, {1, 0, 1}, kItems, false, level);
    ASSERT_EQ(restricted.size(), expected.size());
    for (size_t rank = 0; rank < expected.size(); ++rank) {
      EXPECT_EQ(restricted[rank].item, expected[rank].item);
      EXPECT_NEAR(restricted[rank].log_prob, expected[rank].log_prob - std::log(mass), 1e-4);
    }
  }
}

TEST_F(RecommenderTest, SeenItemsAreLeftOutAndReplaced) {
  const Recommender recommender = load();
  const auto all = recommender.recommend({4, 23}, {}, 3, false);
  const std::vector<int32_t> history{all[1].item, all[0].item, 4, 23};
  const auto ranked = recommender.recommend(history, {}, kItems, false);
  const auto unseen = recommender.recommend(history, {}, 5);
  ASSERT_EQ(unseen.size(), 5u);
  size_t next = 0;
  for (const auto& entry : ranked) {
    if (std::count(history.begin(), history.end(), entry.item) || next == 5) continue;
    EXPECT_EQ(unseen[next].item, entry.item);
    EXPECT_EQ(unseen[next].log_prob, entry.log_prob);
    ++next;
  }
}

TEST_F(RecommenderTest, ScoresOrderTheWholeCatalogueAsProbabilitiesDo) {
  const Recommender recommender = load();
  const PolicyRequest request{{{4, 23, 17}}, {}, kItems, false};
  const std::vector<float> scores = recommender.scores(request);
  const auto ranked = recommender.recommend(request);
  ASSERT_EQ(ranked.size(), scores.size());
  for (const auto& [item, log_prob] : ranked)
    EXPECT_NEAR(log_prob - ranked[0].log_prob,
                scores[static_cast<size_t>(item)] - scores[static_cast<size_t>(ranked[0].item)],
                1e-4);
}

TEST_F(RecommenderTest, ABanditPicksTheClusterAndTheModelItsItems) {
  const auto shared = std::make_shared<const Recommender>(load());
  const Recommender& recommender = *shared;
  const ClusterTree tree = small_tree(kItems, kFinest);
  BanditOptions options;
  options.exploration = 0.0;
  BanditPolicy policy(tree, shared, options, 1);
  const History history{{4, 23, 17}};
  for (int32_t item = 0; item < kItems; ++item)
    policy.learn(history, item, tree.planning().assignment[static_cast<size_t>(item)] == 3);
  EXPECT_EQ(policy.pick(history), 3);
  const auto expected = recommender.recommend(history.item, {3}, 5);
  const auto actual = policy.recommend({history, {}, 5});
  ASSERT_EQ(actual.size(), 5u);
  for (size_t rank = 0; rank < expected.size(); ++rank) {
    EXPECT_EQ(actual[rank].item, expected[rank].item);
    EXPECT_EQ(actual[rank].log_prob, expected[rank].log_prob);
  }
  EXPECT_EQ(policy.recommend({history, {1}, 1})[0].item,
            recommender.recommend(history.item, {1}, 1)[0].item);
}

TEST_F(RecommenderTest, KeepsTheBehaviourHeadAndTheInputFeatures) {
  RecommendOptions options = quick_options();
  options.loss = "reinforce";
  options.time_gaps = options.rewards = true;
  options.epochs = 1;
  const nlohmann::json trained =
      train_recommender(options, *files / "data.h5", *files / "tree.h5", *files / "reinforced");
  EXPECT_EQ(evaluate_recommender(options, *files / "data.h5", *files / "tree.h5",
                                 *files / "reinforced")["test"],
            trained["test"]);
  const Recommender recommender =
      Recommender::load(*files / "reinforced", small_tree(kItems, kFinest));
  const History history{{4, 23}, {1, 2}, {1.0f, 1.0f}};
  double behaviour = 0.0;
  for (const auto& [item, log_prob] : recommender.recommend({history, {}, kItems, false})) {
    const Recommender::LogProbs both = recommender.log_probs(history, item);
    EXPECT_NEAR(both.policy, log_prob, 1e-5);
    behaviour += std::exp(both.behaviour);
  }
  EXPECT_NEAR(behaviour, 1.0, 1e-5);
  EXPECT_EQ(error_of([&] {
              recommender.recommend({4, 23}, {}, 5);
            }),
            "sequence model: expected the times of a history's 2 items, got 0");
  EXPECT_EQ(error_of([&] { load().log_probs(history, 1); }),
            "recommend: expected a model with a behaviour head (loss reinforce), got none");
}

TEST_F(RecommenderTest, ABatchIsItsRequestsOneByOne) {
  const Recommender recommender = load();
  std::vector<Recommender::ClusterRequest> requests;
  for (int32_t user = 0; user < 40; ++user) {
    History history;
    for (int32_t item = 0; item <= user % 14; ++item)  // up to beyond max_length
      history.item.push_back((13 * user + 5 * item) % kItems);
    requests.push_back({history, {user % 4, (user + 1) % 4, user % 4}, 1 + user % 30});
  }
  requests.push_back({{{1}}, {}, 3});
  const auto together = recommender.recommend_each(requests);
  ASSERT_EQ(together.size(), requests.size());
  EXPECT_TRUE(together.back().empty());
  for (size_t at = 0; at < requests.size(); ++at) {
    const auto alone = recommender.recommend_each({requests[at]})[0];
    ASSERT_EQ(together[at].size(), requests[at].clusters.size());
    for (size_t cluster = 0; cluster < alone.size(); ++cluster) {
      const auto single = recommender.recommend(
          {requests[at].history, {requests[at].clusters[cluster]}, requests[at].k});
      ASSERT_EQ(alone[cluster].size(), single.size());
      ASSERT_EQ(together[at][cluster].size(), single.size());
      for (size_t rank = 0; rank < single.size(); ++rank) {
        EXPECT_EQ(together[at][cluster][rank].item, alone[cluster][rank].item);
        EXPECT_EQ(together[at][cluster][rank].log_prob, alone[cluster][rank].log_prob);
        EXPECT_NEAR(alone[cluster][rank].log_prob, single[rank].log_prob, 1e-5);
      }
    }
  }
  EXPECT_TRUE(recommender.recommend_each({}).empty());
  EXPECT_EQ(error_of([&] {
              recommender.recommend_each({{{{1}}, {4}, 5}});
            }),
            "recommend: cluster: expected 0 to 3 at level 2, got 4");
}

TEST_F(RecommenderTest, GivesFewerWhereClustersAreSmall) {
  const Recommender recommender = load();
  // Level 4's clusters hold 6 items each: item 0's has one seen.
  EXPECT_EQ(recommender.recommend({0}, {0}, 50, true, 4).size(), 5u);
  EXPECT_EQ(recommender.recommend({0}, {0}, 50, false, 4).size(), 6u);
}

TEST_F(RecommenderTest, RefusesBadRequests) {
  const Recommender recommender = load();
  EXPECT_EQ(error_of([&] { recommender.recommend({96}, {}, 5); }),
            "recommend: item in the history: expected 0 to 95, got 96");
  EXPECT_EQ(error_of([&] { recommender.recommend({1}, {4}, 5); }),
            "recommend: cluster: expected 0 to 3 at level 2, got 4");
  EXPECT_EQ(error_of([&] { recommender.recommend({1}, {}, 0); }),
            "recommend: k: expected at least 1, got 0");
  EXPECT_EQ(error_of([&] { recommender.recommend({}, {}, 5); }),
            "sequence model: expected a history of at least 1 item, got 0");
}

TEST_F(RecommenderTest, RefusesAnotherTreeAndDamagedFolders) {
  const std::string another =
      error_of([&] { Recommender::load(*files / "recommender", small_tree(kItems, 8)); });
  EXPECT_NE(another.find("item_order: expected the items in the tree's order"), std::string::npos)
      << another;
  const std::string fewer =
      error_of([&] { Recommender::load(*files / "recommender", small_tree(kItems - 1, kFinest)); });
  EXPECT_NE(fewer.find("config.json: items: expected the tree's 95, got 96"), std::string::npos)
      << fewer;

  std::filesystem::create_directories(*files / "damaged");
  std::filesystem::copy(*files / "recommender", *files / "damaged");
  std::string config = read_file(*files / "damaged/config.json");
  config.replace(config.find("\"dimensions\": 32"), 16, "\"dimensions\": 16");
  write_file(*files / "damaged/config.json", config);
  const std::string shape =
      error_of([&] { Recommender::load(*files / "damaged", small_tree(kItems, kFinest)); });
  EXPECT_NE(shape.find("item_embedding: expected F32 [96, 16], got F32 [96, 32]"),
            std::string::npos)
      << shape;
}

TEST_F(RecommenderTest, NeedsUsersWithThreeEvents) {
  save_dataset(markov_dataset(4, kItems, 2), *files / "short.h5");
  const std::string message = error_of([&] {
    train_recommender(quick_options(), *files / "short.h5", *files / "tree.h5", *files / "none");
  });
  EXPECT_TRUE(message.ends_with("expected users with at least 3 events, got none")) << message;
  EXPECT_FALSE(std::filesystem::exists(*files / "none"));
}

}  // namespace
}  // namespace serendip
