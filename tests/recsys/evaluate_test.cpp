#include "recsys/evaluate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "recsys/list_metrics.h"
#include "tests/base/temporary_folder.h"
#include "tests/lm/test_data.h"
#include "tests/recsys/small_world.h"

namespace serendip {
namespace {

// Scores in few steps, so that many tie.
TEST(HeldOutMetrics, EqualTheReferenceInPythonOnSavedScores) {
  if (!std::filesystem::exists(source_folder() / ".venv/bin/python"))
    GTEST_SKIP() << ".venv is absent";
  constexpr int64_t kItems = 60;
  const ItemOrder order = make_item_order(small_tree(kItems, 16));
  for (const bool by_time : {false, true}) {
    EventLog events = make_event_log(markov_dataset(40, kItems, 12), order);
    for (size_t event = 0; event < events.time.size(); ++event)
      events.time[event] += static_cast<int64_t>(event / 12);  // users come one after another
    const HeldOut data =
        by_time ? split_by_time(std::move(events)) : leave_one_out(std::move(events));
    const HeldOutEvent test = HeldOutEvent::kTest;
    nlohmann::json saved;
    torch::manual_seed(7);
    const HeldOutRanking ranking =
        held_out_ranking(data, test, kItems, [&](const std::vector<History>& histories) {
          at::Tensor scores =
              torch::randn({static_cast<int64_t>(histories.size()), kItems}).mul(3).round();
          for (size_t row = 0; row < histories.size(); ++row) {
            const float* mine = scores.const_data_ptr<float>() + static_cast<int64_t>(row) * kItems;
            saved["scores"].push_back(std::vector<float>(mine, mine + kItems));
            saved["seen"].push_back(histories[row].item);
          }
          return scores;
        });
    for (const int64_t user : data.evaluated_users(test))
      saved["target"].push_back(
          data.events.item[static_cast<size_t>(data.test[static_cast<size_t>(user)])]);
    saved["item_cluster"] = clusters_of_positions(order);
    saved["metrics"] = held_out_metrics(ranking, data, test, order);
    const TemporaryFolder folder;
    write_file(folder / "scores.json", saved.dump());
    EXPECT_EQ(
        run_python("tests/recsys/metrics_reference.py '" + (folder / "scores.json").string() + "'"),
        0);
  }
}

TEST(ListMetrics, FirstItemsBreakTiesByIndexAndLeaveOutSeenOnes) {
  const std::vector<float> scores{1, 3, 2, 3, 3, 0};
  EXPECT_EQ(first_items(scores.data(), 6, 3, {}), (std::vector<int32_t>{1, 3, 4}));
  EXPECT_EQ(first_items(scores.data(), 6, 3, {3, 3, 5}), (std::vector<int32_t>{1, 4, 2}));
  EXPECT_EQ(first_items(scores.data(), 6, 10, {1}), (std::vector<int32_t>{3, 4, 2, 0, 5}));
}

TEST(ListMetrics, CoverageAndNovelty) {
  const std::vector<std::vector<int32_t>> lists{{0, 1}, {1, 4}, {}};
  EXPECT_DOUBLE_EQ(coverage(lists, 6), 0.5);
  // Clusters {0, 1}, {2, 3}, {4, 5}: user 0 knows the first, user 1 the last.
  EXPECT_DOUBLE_EQ(novelty(lists, {{0}, {5}, {}}, {0, 0, 1, 1, 2, 2}), 0.25);
  EXPECT_EQ(novelty({}, {}, {}), 0.0);
}

TEST(PairedBootstrap, IntervalsHaveTheWidthOfTheStandardError) {
  std::vector<double> left, right;
  Random random(2);
  for (int user = 0; user < 400; ++user) {
    right.push_back(10.0 * random.normal());  // what the pairs share does not widen the interval
    left.push_back(right.back() + 0.5 + random.normal());
  }
  const auto [mean, low, high] = paired_bootstrap(left, right, 3);
  double expected = 0.0;
  for (size_t user = 0; user < left.size(); ++user) expected += (left[user] - right[user]) / 400;
  EXPECT_NEAR(mean, expected, 1e-12);
  // 1.96 / sqrt(400) on either side, its own error a few percent.
  EXPECT_NEAR(high - mean, 0.098, 0.012);
  EXPECT_NEAR(mean - low, 0.098, 0.012);
  EXPECT_EQ(error_of([] { paired_bootstrap({1.0}, {}, 1); }),
            "bootstrap: expected values of the same users, at least one, got 1 and 0");
}

}  // namespace
}  // namespace serendip
