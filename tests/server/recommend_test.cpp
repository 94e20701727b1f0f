#include "infer/server/recommend.h"

#include <gtest/gtest.h>

#include <set>

#include "base/reproducible.h"
#include "infer/server/lookups.h"
#include "infer/server/problem.h"
#include "tests/server/served_world.h"

namespace serendip::server {
namespace {

const bool kReproducible = (use_reproducible_products(), true);  // before the first product

constexpr int64_t kWindow = 30 * 86'400, kNow = 1'000;
const MiningRule kRule{2, Novelty::kHistory, 1.0f};

class RecommendTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = new TemporaryFolder();
    write_world(folder->path());
    snapshot = std::make_shared<const Snapshot>(world_files(folder->path()), kRule);
  }
  static void TearDownTestSuite() {
    snapshot.reset();
    delete folder;
  }
  // An item of the cluster, by its number there.
  static RequestEvent event(int32_t cluster, size_t item, int64_t time, double quality = 1) {
    return {snapshot->catalogue.item_id(snapshot->catalogue.popular_items(cluster)[item]), time,
            quality};
  }
  static RecommendRequest request(std::vector<RequestEvent> history) {
    RecommendRequest result;
    result.history = std::move(history);
    result.seed = 1;
    result.now = kNow;
    result.items = 3;
    return result;
  }
  static nlohmann::ordered_json answer(const RecommendRequest& request) {
    Plan plan = plan_recommendation(*snapshot, request, kWindow);
    const Recommender::ClusterRequest asked = model_request(plan);
    if (asked.clusters.empty()) return recommendation_answer(*snapshot, plan, {});
    return recommendation_answer(*snapshot, plan, snapshot->recommender.recommend_each({asked})[0]);
  }
  static std::vector<std::string> fallbacks(const nlohmann::ordered_json& answer) {
    return answer.at("fallbacks").get<std::vector<std::string>>();
  }
  using Names = std::vector<std::string>;

  static inline TemporaryFolder* folder = nullptr;
  static inline std::shared_ptr<const Snapshot> snapshot;
};

TEST_F(RecommendTest, IsTheOfflineChainForUsersOfTheDataset) {
  const PairTable table = load_pair_table(*folder / "table.h5");
  int by_table = 0;
  for (int32_t user = 0; user < kWorldUsers; ++user) {
    RecommendRequest asked = request({});
    asked.user = "user" + std::to_string(user);
    const auto result = answer(asked);
    // By hand: the row of the context, its first label outside the history, that cluster's items.
    const History history = snapshot->catalogue.history(user);
    std::set<int32_t> known;
    for (const int32_t item : history.item) known.insert(snapshot->catalogue.cluster_of(item));
    const int32_t first = result["context"][0]["cluster"], second = result["context"][1]["cluster"];
    EXPECT_TRUE(known.contains(first) && known.contains(second));
    const std::optional<int64_t> row = table.contexts.find(std::vector<int32_t>{first, second});
    std::optional<size_t> entry;
    for (int64_t rank = table.k - 1; rank >= 0; --rank) {
      const auto at = static_cast<size_t>(*row * table.k + rank);
      if (!known.contains(table.label[at])) entry = at;
    }
    const auto& interest = result["interests"][0];
    EXPECT_EQ(interest["source"], entry ? "table" : "traffic");
    if (!entry) continue;
    ++by_table;
    EXPECT_EQ(interest["cluster"], table.label[*entry]);
    EXPECT_EQ(interest["log_prob"], table.log_prob[*entry]);
    EXPECT_EQ(interest["description"], "level 2 cluster " + std::to_string(table.label[*entry]));
    const auto items = snapshot->recommender.recommend({history, {table.label[*entry]}, 3});
    ASSERT_EQ(interest["items"].size(), items.size());
    for (size_t rank = 0; rank < items.size(); ++rank) {
      EXPECT_EQ(interest["items"][rank]["item"], snapshot->catalogue.item_id(items[rank].item));
      EXPECT_NEAR(interest["items"][rank]["log_prob"].get<double>(), items[rank].log_prob, 1e-5);
    }
  }
  EXPECT_GT(by_table, kWorldUsers / 2);
}

TEST_F(RecommendTest, ASeedRepeatsTheAnswerToTheByte) {
  std::set<std::string> answers;
  RecommendRequest asked = request({event(0, 0, 1), event(1, 0, 2), event(2, 0, 3, 4.0)});
  for (int64_t seed = 0; seed < 20; ++seed) {
    asked.seed = seed;
    const std::string once = answer(asked).dump();
    EXPECT_EQ(answer(asked).dump(), once);
    auto without_seed = nlohmann::ordered_json::parse(once);
    without_seed.erase("seed");
    answers.insert(without_seed.dump());
  }
  EXPECT_GE(answers.size(), 2u);
}

TEST_F(RecommendTest, OrdersTheHistoryByTime) {
  const auto sorted = answer(request({event(0, 0, 1), event(1, 0, 2)}));
  const auto shuffled = answer(request({event(1, 0, 2), event(0, 0, 1)}));
  EXPECT_EQ(sorted.dump(), shuffled.dump());
  EXPECT_EQ(sorted["context"][0]["cluster"], 0);
  EXPECT_EQ(sorted["context"][1]["cluster"], 1);
  EXPECT_TRUE(fallbacks(sorted).empty());
  EXPECT_EQ(sorted["interests"][0]["cluster"], world_label(0, 1, 1, 0));  // rank 0 is 1: known
  EXPECT_EQ(sorted["version"], snapshot->version);
}

TEST_F(RecommendTest, SeveralInterestsGoOnByTraffic) {
  RecommendRequest asked = request({event(0, 0, 1), event(1, 0, 2)});
  asked.interests = 4;
  const auto result = answer(asked);
  ASSERT_EQ(result["interests"].size(), 4u);
  const std::vector<int32_t>& by_traffic = snapshot->catalogue.popular_clusters();
  std::set<int32_t> taken{0, 1};
  for (const int32_t expected : {2, 3}) {  // row (0, 1) is 1, 2, 3
    EXPECT_EQ(result["interests"][static_cast<size_t>(expected) - 2]["cluster"], expected);
    taken.insert(expected);
  }
  size_t at = 2;
  for (const int32_t cluster : by_traffic) {
    if (at == 4 || !taken.insert(cluster).second) continue;
    EXPECT_EQ(result["interests"][at++]["cluster"], cluster);
  }
  EXPECT_EQ(result["interests"][3]["source"], "traffic");
  EXPECT_FALSE(result["interests"][3].contains("log_prob"));
  EXPECT_EQ(fallbacks(result), Names{"popular_interests"});
}

TEST_F(RecommendTest, NoveltyIsByTheRule) {
  const auto first_interest = [&](Novelty novelty) {
    const Snapshot served(world_files(folder->path()), {2, novelty, 1.0f});
    // Cluster 2 is in the history, before the window.
    const RecommendRequest asked = request({event(2, 0, -kWindow), event(0, 0, 1), event(1, 0, 2)});
    return plan_recommendation(served, asked, kWindow).interests[0].cluster;
  };
  // Row (0, 1) is 1, 2, 3.
  EXPECT_EQ(first_interest(Novelty::kHistory), 3);
  EXPECT_EQ(first_interest(Novelty::kContext), 2);
}

TEST_F(RecommendTest, NamesEveryFallback) {
  RecommendRequest stranger = request({});
  stranger.user = "nobody";
  const Names unknown{"unknown_user", "empty_history", "popular_interests", "popular_items"};
  const auto cold = answer(stranger);
  EXPECT_EQ(fallbacks(cold), unknown);
  EXPECT_TRUE(cold["context"].empty());
  EXPECT_EQ(cold["interests"][0]["cluster"], snapshot->catalogue.popular_clusters()[0]);
  EXPECT_EQ(cold["interests"][0]["items"].size(), 3u);
  EXPECT_FALSE(cold["interests"][0]["items"][0].contains("log_prob"));

  EXPECT_EQ(fallbacks(answer(request({{"no such item", 1, 1.0}, event(0, 0, 1), event(1, 0, 2)}))),
            Names{"unknown_items"});
  EXPECT_EQ(fallbacks(answer(request({event(0, 0, 1, 0.5), event(1, 0, 2, 0.0)}))),
            (Names{"no_positive_item", "popular_interests"}));
  EXPECT_EQ(fallbacks(answer(request({event(0, 0, 1 - kWindow), event(1, 0, kNow - kWindow)}))),
            Names{"window_moved"});
  const auto single = answer(request({event(4, 0, 1), event(4, 1, 2)}));
  EXPECT_EQ(fallbacks(single), Names{"repeated_interest"});
  EXPECT_EQ(single["context"][0], single["context"][1]);
  EXPECT_EQ(single["interests"][0]["cluster"], world_label(4, 4, 0, 0));

  std::vector<RequestEvent> everything;
  for (int32_t cluster = 0; cluster < kWorldInterests; ++cluster)
    everything.push_back(event(cluster, 0, cluster));
  const auto full = answer(request(everything));
  EXPECT_EQ(fallbacks(full), Names{"no_novel_interest"});
  EXPECT_TRUE(full["interests"].empty());

  RecommendRequest many = request({event(0, 0, 1), event(1, 0, 2)});
  many.items = 100;
  EXPECT_EQ(fallbacks(answer(many)), Names{"fewer_items"});
}

TEST_F(RecommendTest, AContextOutsideASparseTableGivesWayToTheLatest) {
  PairTable table;
  table.contexts = ContextList::listed(kWorldInterests, 2, {1, 2});
  table.k = 1;
  table.label = {5};
  table.log_prob = {-1};
  table.probability_low = table.probability_high = {0.5f};
  save_pair_table(table, *folder / "sparse.h5");
  SnapshotFiles files = world_files(folder->path());
  files.table = *folder / "sparse.h5";
  const Snapshot sparse(files, kRule);
  const auto plan = [&](const std::vector<RequestEvent>& history) {
    return plan_recommendation(sparse, request(history), kWindow);
  };
  // Only the first two are in the window; the latest two distinct clusters are 1 and 2.
  const Plan latest = plan({event(0, 0, 1), event(1, 0, 2), event(2, 0, kNow + 1)});
  EXPECT_EQ(latest.fallbacks, std::vector<Fallback>{Fallback::kContextNotInTable});
  EXPECT_EQ(latest.context, (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(latest.interests[0].cluster, 5);
  const Plan none = plan({event(3, 0, 1), event(4, 0, 2)});
  EXPECT_EQ(none.fallbacks,
            (std::vector<Fallback>{Fallback::kContextNotInTable, Fallback::kPopularInterests}));
  EXPECT_TRUE(none.context.empty());
  EXPECT_EQ(error_of([&] {
              interests_answer(sparse, {{3, 4}});
            }),
            "context: expected one that the table lists, got another");
}

TEST_F(RecommendTest, ExplainsWhatItDid) {
  RecommendRequest asked = request({event(0, 0, 1), event(1, 0, 2, 2.5), {"no such item", 3, 1.0}});
  asked.explain = true;
  const auto explanation = answer(asked)["explanation"];
  EXPECT_EQ(explanation["known_items"], 2);
  EXPECT_EQ(explanation["unknown_items"], 1);
  ASSERT_EQ(explanation["sampled"].size(), 2u);
  EXPECT_EQ(explanation["sampled"][1]["item"], asked.history[1].item);
  EXPECT_EQ(explanation["sampled"][1]["quality"], 2.5);
  EXPECT_EQ(explanation["sampled"][1]["cluster"], 1);
  ASSERT_EQ(explanation["skipped"].size(), 1u);  // row (0, 1) begins with 1
  EXPECT_EQ(explanation["skipped"][0]["cluster"], 1);
}

TEST_F(RecommendTest, LooksUpRowsAndClusters) {
  const auto row = interests_answer(*snapshot, {{4, 5}, 2});
  ASSERT_EQ(row["interests"].size(), 2u);
  EXPECT_EQ(row["interests"][1]["cluster"], world_label(4, 5, 1, 0));
  EXPECT_EQ(row["context"][0]["description"], "level 2 cluster 4");
  EXPECT_EQ(interests_answer(*snapshot, {{4, 5}, 10})["interests"].size(), 3u);
  EXPECT_EQ(error_of([&] { interests_answer(*snapshot, {{4}}); }),
            "context: expected 2 clusters, got 1");
  EXPECT_EQ(error_of([&] {
              interests_answer(*snapshot, {{4, 8}});
            }),
            "context: expected clusters from 0 to 7, got 8");

  const auto cluster = cluster_answer(*snapshot, 3);
  EXPECT_EQ(cluster["description"], "level 2 cluster 3");
  EXPECT_EQ(cluster["parent"], 1);
  EXPECT_EQ(cluster["items"], 12);
  EXPECT_EQ(cluster["traffic"], 12.0);
  EXPECT_EQ(cluster["sample_items"].size(), 10u);
  EXPECT_EQ(error_of([&] { cluster_answer(*snapshot, 8); }), "cluster: expected 0 to 7, got 8");
  EXPECT_EQ(clusters_answer(*snapshot)["clusters"].size(), 8u);
}

TEST_F(RecommendTest, ASnapshotRefusesFilesThatDoNotFit) {
  SnapshotFiles files = world_files(folder->path());
  save_dataset(markov_dataset(kWorldUsers, kWorldItems - 1, 4), *folder / "other.h5");
  files.data = *folder / "other.h5";
  const std::string error = error_of([&] { Snapshot(files, kRule); });
  EXPECT_NE(error.find("expected a tree of the dataset's 95 items, got one of 96"),
            std::string::npos)
      << error;
}

}  // namespace
}  // namespace serendip::server
