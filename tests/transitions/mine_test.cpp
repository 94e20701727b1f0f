#include "transitions/mine.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <map>
#include <set>

#include "base/random.h"
#include "tests/base/temporary_folder.h"
#include "tests/transitions/small_log.h"

namespace serendip {
namespace {

using Row = std::pair<std::vector<int32_t>, int32_t>;  // context, label

MiningRule rule_with(int64_t context_size, Novelty novelty, float positive) {
  MiningRule rule;
  rule.context_size = context_size;
  rule.novelty = novelty;
  rule.positive_reward = positive;
  return rule;
}

std::map<Row, int64_t> as_map(const TransitionSet& set) {
  std::map<Row, int64_t> rows;
  for (int64_t t = 0; t < set.size(); ++t) {
    rows[{{set.context_of(t), set.context_of(t) + set.context_size},
          set.label[static_cast<size_t>(t)]}] += set.count[static_cast<size_t>(t)];
  }
  return rows;
}

Transitions read_all(MinedTransitions& mined) {
  Transitions result;
  TransitionSet block;
  while (mined.train->next(block)) {
    result.all.context_size = block.context_size;
    result.all.context.insert(result.all.context.end(), block.context.begin(), block.context.end());
    result.all.label.insert(result.all.label.end(), block.label.begin(), block.label.end());
    result.all.count.insert(result.all.count.end(), block.count.begin(), block.count.end());
  }
  mined.dev.next(result.dev);  // one block holds all of them here
  mined.test.next(result.test);
  return result;
}

Transitions mine_log(const Dataset& log, const std::vector<int32_t>& item_cluster,
                     const MiningRule& rule, int64_t memory = 1 << 20) {
  const TemporaryFolder folder;
  save_dataset(log, folder / "data.h5");
  UserEventReader events(folder / "data.h5");
  const int32_t clusters = *std::max_element(item_cluster.begin(), item_cluster.end()) + 1;
  MinedTransitions mined =
      mine_transitions(events, item_cluster, clusters, rule, memory, folder.path());
  return read_all(mined);
}

TEST(Mine, SmallLogSplit) {
  EXPECT_EQ(split_of("ana"), Split::kTrain);
  EXPECT_EQ(split_of("ben"), Split::kTrain);
  EXPECT_EQ(split_of("cleo"), Split::kTest);
  EXPECT_EQ(split_of("eva"), Split::kDev);
}

TEST(Mine, SmallLogByHand) {
  const Transitions mined =
      mine_log(small_log(), kSmallLogClusters, rule_with(2, Novelty::kHistory, 4));
  EXPECT_EQ(mined.all.context, (std::vector<int32_t>{0, 1, 2, 0}));
  EXPECT_EQ(mined.all.label, (std::vector<int32_t>{2, 3}));
  EXPECT_EQ(mined.all.count, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(mined.dev.user, (std::vector<int32_t>{3}));
  EXPECT_EQ(mined.dev.context, (std::vector<int32_t>{2, 1}));
  EXPECT_EQ(mined.dev.label, (std::vector<int32_t>{3}));
  EXPECT_TRUE(mined.test.label.empty());
}

TEST(Mine, SmallLogNoveltyToContext) {
  const Transitions mined =
      mine_log(small_log(), kSmallLogClusters, rule_with(2, Novelty::kContext, 4));
  const std::map<Row, int64_t> expected = {{{{0, 1}, 2}, 2}, {{{1, 2}, 0}, 1}, {{{2, 0}, 3}, 1}};
  EXPECT_EQ(as_map(mined.all), expected);
}

TEST(Mine, SmallLogLowerThreshold) {
  // With everything positive ben's 3 becomes a label, and part of the next context.
  const Transitions mined =
      mine_log(small_log(), kSmallLogClusters, rule_with(2, Novelty::kHistory, 1));
  const std::map<Row, int64_t> expected = {
      {{{0, 1}, 2}, 1}, {{{0, 1}, 3}, 1}, {{{1, 3}, 2}, 1}, {{{2, 0}, 3}, 1}};
  EXPECT_EQ(as_map(mined.all), expected);
}

// The definition read literally, looking back over the whole history at every event.
std::vector<Row> reference(const std::vector<int32_t>& cluster, const std::vector<float>& reward,
                           const MiningRule& rule) {
  std::vector<Row> rows;
  for (size_t e = 0; e < cluster.size(); ++e) {
    std::vector<int32_t> context;  // newest first
    std::set<int32_t> history;
    for (size_t back = e; back-- > 0;) {
      history.insert(cluster[back]);
      const bool held = std::count(context.begin(), context.end(), cluster[back]) > 0;
      if (reward[back] >= rule.positive_reward && !held &&
          static_cast<int64_t>(context.size()) < rule.context_size) {
        context.push_back(cluster[back]);
      }
    }
    if (static_cast<int64_t>(context.size()) < rule.context_size) continue;
    if (reward[e] < rule.positive_reward) continue;
    const bool in_context = std::count(context.begin(), context.end(), cluster[e]) > 0;
    if (rule.novelty == Novelty::kHistory ? history.contains(cluster[e]) : in_context) continue;
    rows.push_back({{context.rbegin(), context.rend()}, cluster[e]});
  }
  return rows;
}

TEST(Mine, AgreesWithReferenceOnRandomLogs) {
  Random random(7);
  int64_t found = 0;
  for (int trial = 0; trial < 600; ++trial) {
    const MiningRule rule =
        rule_with(1 + trial % 4, trial % 2 == 0 ? Novelty::kHistory : Novelty::kContext, 3);
    const auto clusters = 2 + random.below(12);
    std::vector<int32_t> cluster(random.below(40));
    std::vector<float> reward(cluster.size());
    for (size_t e = 0; e < cluster.size(); ++e) {
      cluster[e] = static_cast<int32_t>(random.below(clusters));
      reward[e] = static_cast<float>(1 + random.below(5));
    }
    std::vector<int32_t> context;
    std::vector<int32_t> label;
    mine_user(cluster, reward, rule, context, label);
    std::vector<Row> rows;
    for (size_t t = 0; t < label.size(); ++t) {
      const auto begin = context.begin() + static_cast<std::ptrdiff_t>(t) * rule.context_size;
      rows.push_back({{begin, begin + rule.context_size}, label[t]});
    }
    ASSERT_EQ(rows, reference(cluster, reward, rule)) << "trial " << trial;
    found += static_cast<int64_t>(rows.size());
  }
  EXPECT_GT(found, 1000);
}

Dataset random_log(int64_t users, uint64_t seed) {
  Dataset log;
  Random random(seed);
  log.user_offset = {0};
  for (int item = 0; item < 30; ++item) log.item_id.push_back(std::to_string(item));
  log.item_title = log.item_text = log.item_id;
  for (int64_t user = 0; user < users; ++user) {
    log.user_id.push_back("user" + std::to_string(user));
    for (uint64_t e = random.below(20); e > 0; --e) {
      log.event_item.push_back(static_cast<int32_t>(random.below(30)));
      log.event_time.push_back(-static_cast<int64_t>(e));
      log.event_reward.push_back(static_cast<float>(random.below(5)));
    }
    log.user_offset.push_back(log.event_count());
  }
  return log;
}

std::vector<int32_t> modulo_clusters(int32_t items, int32_t clusters) {
  std::vector<int32_t> cluster;
  for (int32_t item = 0; item < items; ++item) cluster.push_back(item % clusters);
  return cluster;
}

void expect_equal(const Transitions& actual, const Transitions& expected) {
  EXPECT_EQ(actual.all.context, expected.all.context);
  EXPECT_EQ(actual.all.label, expected.all.label);
  EXPECT_EQ(actual.all.count, expected.all.count);
  EXPECT_EQ(actual.dev.user, expected.dev.user);
  EXPECT_EQ(actual.dev.context, expected.dev.context);
  EXPECT_EQ(actual.test.label, expected.test.label);
}

TEST(Mine, CountsAllUsersOfEachSplit) {
  const Dataset log = random_log(3000, 3);
  const std::vector<int32_t> cluster = modulo_clusters(30, 10);
  const MiningRule rule = rule_with(2, Novelty::kHistory, 2);
  std::map<Row, int64_t> expected;
  std::vector<int32_t> dev_label;
  for (size_t user = 0; user < log.user_id.size(); ++user) {
    std::vector<int32_t> clusters;
    std::vector<float> rewards;
    for (auto e = static_cast<size_t>(log.user_offset[user]);
         e < static_cast<size_t>(log.user_offset[user + 1]); ++e) {
      clusters.push_back(cluster[static_cast<size_t>(log.event_item[e])]);
      rewards.push_back(log.event_reward[e]);
    }
    for (const Row& row : reference(clusters, rewards, rule)) {
      if (split_of(log.user_id[user]) == Split::kTrain) ++expected[row];
      if (split_of(log.user_id[user]) == Split::kDev) dev_label.push_back(row.second);
    }
  }
  const Transitions mined = mine_log(log, cluster, rule);
  EXPECT_EQ(as_map(mined.all), expected);
  EXPECT_EQ(mined.dev.label, dev_label);
  EXPECT_GT(mined.all.size(), 100);
}

TEST(Mine, SameForAnyThreadCountAndMemory) {
  const Dataset log = random_log(3000, 4);
  const std::vector<int32_t> cluster = modulo_clusters(30, 10);
  const MiningRule rule = rule_with(2, Novelty::kHistory, 2);
  const Transitions whole = mine_log(log, cluster, rule);
  const int before = omp_get_max_threads();
  for (const int threads : {1, 2, 3}) {
    for (const int64_t memory : {1 << 12, 1 << 16}) {  // some keys, some hundred rows
      omp_set_num_threads(threads);
      expect_equal(mine_log(log, cluster, rule, memory), whole);
    }
  }
  omp_set_num_threads(before);
}

}  // namespace
}  // namespace serendip
