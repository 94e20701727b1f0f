#include "clusters/assign.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "base/check.h"
#include "base/random.h"
#include "tests/base/temporary_folder.h"
#include "tests/clusters/synthetic.h"

namespace serendip {
namespace {

constexpr int64_t kGroups = 60, kDim = 16;

// `count` items in kGroups groups, 400 users with 40 events each.
Dataset catalogue(int64_t count) {
  Dataset data;
  data.embedding = grouped_vectors(count, kDim, kGroups, 1);
  data.embedding_dim = kDim;
  for (int64_t item = 0; item < count; ++item) {
    data.item_id.push_back(fmt::format("item{}", item));
    data.item_title.push_back(fmt::format("title{} group{}", item, item % kGroups));
    data.item_text.push_back(fmt::format("word{}", item % kGroups));
  }
  data.user_offset = {0};
  Random random(4);
  for (int user = 0; user < 400; ++user) {
    data.user_id.push_back(fmt::format("user{}", user));
    for (int event = 0; event < 40; ++event) {
      data.event_item.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(count))));
      data.event_time.push_back(event * 86400);
      data.event_reward.push_back(1);
    }
    data.user_offset.push_back(data.event_count());
  }
  return data;
}

ClusterOptions options_for_tests() {
  ClusterOptions options;
  options.clusters_level_1 = 4;
  options.clusters = 30;
  return options;
}

TEST(Assign, NewItemsJoinTheirNeighboursWithinTheBound) {
  const ClusterOptions options = options_for_tests();
  const Dataset before = catalogue(2400);
  Dataset now = catalogue(2700);
  now.event_item = before.event_item;  // nobody has met the new ones
  PreviousTree previous{cluster_dataset(options, before, "before").tree, {}};
  for (int32_t item = 0; item < 2700; ++item) previous.item.push_back(item < 2400 ? item : -1);
  const ClusterResult result = assign_items(options, now, previous, "now");
  validate_tree(result.tree, "now");
  EXPECT_EQ(result.report.at("new_items"), 300);
  EXPECT_EQ(result.report.at("bound_met"), true);
  const std::vector<int32_t>& planning = result.tree.planning().assignment;
  // A new item is right where some item of its group was before.
  std::map<int32_t, std::vector<bool>> groups;
  for (int32_t item = 0; item < 2400; ++item) {
    EXPECT_EQ(planning[static_cast<size_t>(item)],
              previous.tree.planning().assignment[static_cast<size_t>(item)]);
    auto& held = groups[planning[static_cast<size_t>(item)]];
    held.resize(kGroups);
    held[static_cast<size_t>(item % kGroups)] = true;
  }
  int64_t right = 0;
  for (int32_t item = 2400; item < 2700; ++item)
    right += groups[planning[static_cast<size_t>(item)]][static_cast<size_t>(item % kGroups)];
  EXPECT_GT(right, 285);
}

TEST(Assign, TheBoundSendsItemsToTheNextCluster) {
  // All new items lie in one group and carry more traffic together than its cluster has room for.
  const ClusterOptions options = options_for_tests();
  const Dataset before = catalogue(2400);
  Dataset now = before;
  PreviousTree previous{cluster_dataset(options, before, "before").tree, {}};
  previous.item.resize(2400);
  std::iota(previous.item.begin(), previous.item.end(), 0);
  for (int extra = 0; extra < 40; ++extra) {
    now.item_id.push_back(fmt::format("extra{}", extra));
    now.item_title.push_back("extra");
    now.item_text.push_back("");
    now.embedding.insert(now.embedding.end(), now.embedding.begin(), now.embedding.begin() + kDim);
    previous.item.push_back(-1);
  }
  for (size_t event = 0; event < now.event_item.size(); ++event)
    if (event % 20 == 0) now.event_item[event] = 2400 + static_cast<int32_t>(event / 20 % 40);
  const ClusterResult result = assign_items(options, now, previous, "now");
  std::map<int32_t, int> places;
  for (size_t item = 2400; item < 2440; ++item) ++places[result.tree.planning().assignment[item]];
  EXPECT_GT(places.size(), 1u);
  EXPECT_EQ(result.report.at("bound_met"), true) << result.report;
}

TEST(Assign, Refuses) {
  ClusterOptions options = options_for_tests();
  options.previous = "runs/before";
  const Dataset data = catalogue(2400);
  PreviousTree previous{cluster_dataset(options, data, "before").tree,
                        std::vector<int32_t>(2400, -1)};
  EXPECT_EQ(error_of([&] { assign_items(options, data, previous, "now"); }),
            "now: none of the 2400 items is in runs/before");
}

// Two clusters over ten days; in window w the first has 10 + w of 20 events.
TEST(Drift, DayOfTheRebuildByHand) {
  Dataset data;
  for (int window = 0; window < 10; ++window) {
    for (int event = 0; event < 20; ++event) {
      data.event_item.push_back(event < 10 + window ? 0 : 1);
      data.event_time.push_back(window * 86400 + event * 4547);  // the last one at 23:59
    }
  }
  TreeLevel planning;
  planning.assignment = {0, 1};
  planning.parent = {0, 0};
  ClusterOptions options;
  options.later_share = 1;
  options.drift_limit = 2.5;
  const nlohmann::json drift = measure_drift(options, data, planning);
  // max/avg is (10 + w) / 10: 0.1 more a day, 1.95 at the end of the tenth, 2.5 five and a half
  // days on: 1970-01-16, noon.
  EXPECT_NEAR(drift.at("per_day").get<double>(), 0.1, 1e-3);
  EXPECT_EQ(drift.at("rebuild_due"), "1970-01-16");
  options.drift_limit = 1.5;  // passed
  EXPECT_EQ(measure_drift(options, data, planning).at("rebuild_due"), "1970-01-10");
  std::reverse(data.event_item.begin(), data.event_item.end());  // ever better
  options.drift_limit = 2.5;
  EXPECT_TRUE(measure_drift(options, data, planning).at("rebuild_due").is_null());
}

}  // namespace
}  // namespace serendip
