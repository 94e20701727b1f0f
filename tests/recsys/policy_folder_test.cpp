#include "recsys/policy_folder.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "base/reproducible.h"
#include "recsys/bandit_policy.h"
#include "recsys/policy_comparison.h"
#include "recsys/policy_value.h"
#include "recsys/reward_model.h"
#include "recsys/train.h"
#include "tests/base/temporary_folder.h"
#include "tests/recsys/small_world.h"

namespace serendip {
namespace {

const bool kReproducible = (use_reproducible_products(), true);  // before the first product

constexpr int64_t kItems = 96, kFinest = 16, kUsers = 120;

RecommendOptions options_of(const std::string& policy) {
  RecommendOptions options = quick_options();
  options.policy = policy;
  options.dimensions = 16;
  options.epochs = 2;
  return options;
}

// A dataset whose rewards differ, with its tree.
class PolicyFolders : public ::testing::Test {
 protected:
  PolicyFolders() {
    save_tree(tree, files / "tree.h5");
    for (size_t event = 0; event < data.event_reward.size(); ++event)
      data.event_reward[event] = static_cast<float>(data.event_item[event] % 5 + 1);
    save_dataset(data, files / "data.h5");
  }
  nlohmann::json train(const RecommendOptions& options, const std::string& folder) {
    return train_recommender(options, files / "data.h5", files / "tree.h5", files / folder);
  }
  std::unique_ptr<Policy> load(const std::string& folder) {
    return load_policy(files / folder, tree, data);
  }

  TemporaryFolder files;
  ClusterTree tree = small_tree(kItems, kFinest);
  Dataset data = markov_dataset(kUsers, kItems, 12);
  const History history{{4, 23, 17}, {1, 2, 3}, {1.0f, 4.0f, 3.0f}};
};

TEST_F(PolicyFolders, EachPolicyIsTrainedReadBackAndEvaluatedAlike) {
  for (const std::string policy : {"sequence", "two_tower", "popularity", "random"}) {
    SCOPED_TRACE(policy);
    const nlohmann::json trained = train(options_of(policy), policy);
    EXPECT_EQ(trained.contains("best_epoch"), policy == "sequence" || policy == "two_tower");
    EXPECT_EQ(trained["test"]["users"], kUsers);
    const nlohmann::json evaluated = evaluate_recommender(options_of(policy), files / "data.h5",
                                                          files / "tree.h5", files / policy);
    EXPECT_EQ(evaluated["test"], trained["test"]);
    EXPECT_TRUE(load(policy)->ranks_catalogue());
    EXPECT_EQ(load(policy)->recommend({history, {1}, 3}).size(), 3u);
  }
  EXPECT_EQ(train(options_of("popularity"), "again")["test"],
            train(options_of("popularity"), "again")["popularity"]);
}

TEST_F(PolicyFolders, BatchesOfHistoriesScoreAsOneByOne) {
  for (const std::string policy : {"sequence", "two_tower", "random"}) {
    SCOPED_TRACE(policy);
    train(options_of(policy), policy);
    const std::vector<History> histories{{{4}}, {{4, 23, 17}}, {{80, 2}}};
    const auto batch = load(policy)->batch_scores(histories);
    ASSERT_EQ(batch.size(), histories.size());
    for (size_t at = 0; at < histories.size(); ++at) {
      const std::vector<float> alone = load(policy)->scores({histories[at]});
      ASSERT_EQ(batch[at].size(), alone.size());
      for (size_t item = 0; item < alone.size(); ++item)
        EXPECT_NEAR(batch[at][item], alone[item], 1e-5);
    }
  }
}

TEST_F(PolicyFolders, ABanditKeepsWhatItLearntFromTheLog) {
  for (const bool progressive : {false, true}) {
    RecommendOptions options = options_of("bandit");
    options.progressive = progressive;
    options.expand_reward = 1.0;
    const nlohmann::json trained = train(options, "bandit");
    // Each user's training events but the first, which has no history.
    EXPECT_EQ(trained["events_replayed"], kUsers * (12 - 2 - 1));
    EXPECT_FALSE(trained.contains("test"));

    const std::unique_ptr<Policy> loaded = load("bandit");
    EXPECT_FALSE(loaded->ranks_catalogue());
    const auto& bandit = dynamic_cast<const BanditPolicy&>(*loaded);
    // The same log by hand, event by event in the order of time.
    BanditPolicy expected(
        tree,
        std::make_shared<const Recommender>(Recommender::load(files / "bandit/sequence", tree)),
        {options.exploration, options.ridge, progressive, options.expand_visits, 1.0}, 1);
    for (int64_t place = 1; place < 10; ++place)
      for (int64_t user = 0; user < kUsers; ++user) {
        const auto begin = static_cast<size_t>(user * 12), at = begin + static_cast<size_t>(place);
        const auto item = data.event_item.begin();
        expected.learn({{item + static_cast<int64_t>(begin), item + static_cast<int64_t>(at)}},
                       data.event_item[at], data.event_reward[at]);
      }
    EXPECT_EQ(bandit.bandit().frontier(), expected.bandit().frontier());
    EXPECT_EQ(expected.bandit().frontier().size() > 2, progressive);
    for (size_t node = 0; node < expected.bandit().nodes().size(); ++node) {
      const ClusterBandit::Node &left = bandit.bandit().nodes()[node],
                                &right = expected.bandit().nodes()[node];
      EXPECT_EQ(left.visits, right.visits);
      EXPECT_NEAR(left.reward_sum, right.reward_sum, 1e-9);
      for (size_t at = 0; at < left.arm.coefficients().size(); ++at)
        EXPECT_NEAR(left.arm.coefficients()[at], right.arm.coefficients()[at], 1e-4);
    }
    EXPECT_EQ(bandit.pick(history), expected.pick(history));

    const nlohmann::json evaluated =
        evaluate_recommender(options, files / "data.h5", files / "tree.h5", files / "bandit");
    EXPECT_EQ(evaluated["test"]["users"], kUsers);
  }
}

TEST_F(PolicyFolders, KeywordSearchIsEvaluatedInTheClustersThatItIsGiven) {
  data.item_text.assign(kItems, "nothing");
  data.item_text[7] = "cluster 2";
  save_dataset(data, files / "data.h5");
  const nlohmann::json trained = train(options_of("keyword"), "keyword");
  EXPECT_TRUE(needs_clusters(files / "keyword"));
  EXPECT_EQ(load("keyword")->recommend({history, {2}, 1})[0].item, 7);
  const auto evaluate = [&](const ClustersFor& clusters) {
    return evaluate_recommender(options_of("keyword"), files / "data.h5", files / "tree.h5",
                                files / "keyword", clusters);
  };
  EXPECT_EQ(evaluate([](const History&) { return std::vector<int32_t>{2}; })["test"]["users"],
            kUsers);
  // Users without an interest get nothing, and nothing is a hit.
  EXPECT_EQ(evaluate([](const History&) { return std::vector<int32_t>{}; })["test"]["hr_at_20"],
            0.0);
  EXPECT_EQ(error_of([&] { evaluate({}); }),
            "keyword search: expected clusters whose descriptions are the query, got none");
}

TEST_F(PolicyFolders, ComparisonHasTheFiguresOfEachAlone) {
  const nlohmann::json sequence = train(options_of("sequence"), "sequence");
  train(options_of("two_tower"), "two_tower");
  const auto first_cluster = [](const History&) { return std::vector<int32_t>{0}; };
  const nlohmann::json rows =
      compare_policies(options_of("sequence"), files / "data.h5", files / "tree.h5",
                       {{"model", files / "sequence"},
                        {"towers", files / "two_tower"},
                        {"restricted", files / "sequence", first_cluster}});
  ASSERT_EQ(rows.size(), 5u);
  for (const char* metric : {"ndcg_at_10", "hr_at_20", "mrr", "coverage_at_10", "novelty_at_10"})
    EXPECT_EQ(rows[0][metric], sequence["test"][metric]) << metric;
  EXPECT_EQ(rows[3]["name"], "popularity");
  EXPECT_EQ(rows[3]["ndcg_at_10"], sequence["popularity"]["ndcg_at_10"]);
  EXPECT_EQ(rows[0]["ndcg_at_10_minus_first"]["mean"], 0.0);
  EXPECT_NEAR(rows[1]["ndcg_at_10_minus_first"]["mean"].get<double>(),
              rows[1]["ndcg_at_10"].get<double>() - rows[0]["ndcg_at_10"].get<double>(), 1e-12);
  EXPECT_EQ(rows[0]["ranking"], true);
  EXPECT_EQ(rows[2]["ranking"], false);
  // At most the 24 items of one cluster of 4.
  EXPECT_LE(rows[2]["coverage_at_10"].get<double>(), 0.25);
  EXPECT_LT(rows[0]["novel"]["users"].get<int64_t>(), kUsers);
  EXPECT_GT(rows[0]["novel"]["users"].get<int64_t>(), 0);
}

TEST_F(PolicyFolders, TheValueOfTheLoggingPolicyIsWhatWasEarned) {
  RecommendOptions options = options_of("sequence");
  options.loss = "reinforce";
  train(options, "reinforced");
  const nlohmann::json result = value_policies(options, files / "data.h5", files / "tree.h5",
                                               files / "reinforced", {}, /*weight_cap=*/5.0);
  EXPECT_EQ(result["events"], 2 * kUsers);
  EXPECT_EQ(result["users"], kUsers);
  ASSERT_EQ(result["policies"].size(), 2u);
  // Chance shows every item alike: weights are 1 / (N beta).
  const Recommender behaviour = Recommender::load(files / "reinforced", tree);
  double weight = 0.0, earned = 0.0, logged = 0.0;
  for (int64_t user = 0; user < kUsers; ++user)
    for (int64_t place = 10; place < 12; ++place) {
      const auto begin = static_cast<int64_t>(user * 12);
      const auto at = static_cast<size_t>(begin + place);
      const double beta =
          behaviour
              .log_probs(
                  {{data.event_item.begin() + begin, data.event_item.begin() + begin + place}},
                  data.event_item[at])
              .behaviour;
      const double own = std::min(std::exp(-std::log(kItems) - beta), 5.0);
      weight += own;
      earned += own * data.event_reward[at];
      logged += data.event_reward[at];
    }
  const nlohmann::json& chance = result["policies"][1];
  EXPECT_EQ(chance["name"], "chance");
  EXPECT_NEAR(chance["importance"]["value"].get<double>(), earned / (2 * kUsers), 1e-4);
  EXPECT_NEAR(chance["self_normalised"]["value"].get<double>(), earned / weight, 1e-4);
  EXPECT_NEAR(result["logged"].get<double>(), logged / (2 * kUsers), 1e-9);

  train(options_of("sequence"), "plain");
  EXPECT_EQ(error_of([&] {
              value_policies(options, files / "data.h5", files / "tree.h5", files / "plain", {},
                             5.0);
            }),
            "recommend: expected a model with a behaviour head (loss reinforce), got none");
}

TEST_F(PolicyFolders, ProbabilitiesOfAPolicySumToOne) {
  train(options_of("two_tower"), "two_tower");
  train(options_of("bandit"), "bandit");
  for (const char* folder : {"two_tower", "bandit"}) {
    double total = 0.0;
    int64_t possible = 0;
    for (const double log_prob : log_probs(*load(folder), history, kItems)) {
      total += std::exp(log_prob);
      possible += std::isfinite(log_prob);
    }
    EXPECT_NEAR(total, 1.0, 1e-5) << folder;
    EXPECT_EQ(possible, std::string(folder) == "bandit" ? kItems / 4 : kItems);
  }
}

TEST_F(PolicyFolders, RefusesDamagedFoldersAndOthers) {
  train(options_of("two_tower"), "two_tower");
  const auto with_config = [&](const std::string& text) {
    write_file(files / "two_tower/config.json", text);
    return error_of([&] { load("two_tower"); });
  };
  const std::string config = (files / "two_tower/config.json").string();
  EXPECT_EQ(with_config("[]"),
            config + ": expected a JSON object with a model_type, got something else");
  EXPECT_EQ(with_config(R"({"model_type": "other", "items": 96})"),
            config + ": model_type: no policy is called \"other\"");
  EXPECT_EQ(with_config(R"({"model_type": "serendip_two_tower", "items": 96, "max_length": 5})"),
            config + ": dimensions: expected a whole number of at least 1, got null");
  train(options_of("random"), "random");
  EXPECT_NE(error_of([&] {
              load_policy(files / "random", small_tree(kItems, 8), data);
            }).find("item_order: expected the items in the tree's order"),
            std::string::npos);
}

TEST(RewardModel, IsMeanAndShrunkBiases) {
  // Two users of the same three items: 12 above and 12 below a mean of 3 a place.
  EventLog log{{0, 4, 8}, {0, 1, 0, 1, 0, 1, 0, 1}, {1, 2, 3, 4, 1, 2, 3, 4}, {}};
  log.reward = {5, 3, 5, 3, 3, 1, 3, 1};
  HeldOut data;
  data.events = log;
  data.training_end = {4, 8};
  const RewardModel model(data, 3);
  // Item 0's deviations from the mean of 3 sum to 4 over 4 events: 4 / 14.
  EXPECT_NEAR(model(0, 0) - model(0, 2), 4.0 / 14, 1e-12);
  EXPECT_NEAR(model(0, 1) - model(0, 2), -4.0 / 14, 1e-12);
  // What is left of user 0 sums to 4 over 4 events.
  EXPECT_NEAR(model(0, 2), 3.0 + 4.0 / 14, 1e-12);
  EXPECT_NEAR(model(1, 2), 3.0 - 4.0 / 14, 1e-12);
  data.training_end = {0, 4};
  EXPECT_EQ(error_of([&] { RewardModel(data, 3); }),
            "reward model: expected training events, got none");
}

}  // namespace
}  // namespace serendip
