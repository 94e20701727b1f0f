#include "train/blend.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "tests/base/temporary_folder.h"
#include "tests/infer/small_tree.h"

namespace serendip {
namespace {

constexpr int32_t kClusters = 8;

PairTable table_of(int64_t k) {
  PairTable table;
  table.contexts = ContextList::all(kClusters, 2);
  table.k = k;
  for (int32_t row = 0; row < kClusters * kClusters; ++row) {
    const int32_t last = row % kClusters;
    int64_t listed = 0;
    // Half of what is left to each, from the successor of the last cluster on.
    for (int32_t step = 1; step <= kClusters && listed < k; ++step) {
      const int32_t label = (last + step) % kClusters;
      if (label == row / kClusters || label == last) continue;
      const auto probability = static_cast<float>(std::ldexp(1, -static_cast<int>(++listed)));
      table.label.push_back(label);
      table.log_prob.push_back(std::log(probability) - 1);
      table.probability_low.push_back(probability);
      table.probability_high.push_back(probability);
    }
    for (; listed < k; ++listed) {
      table.label.push_back(PairTable::kNoLabel);
      table.log_prob.push_back(-INFINITY);
      table.probability_low.push_back(0);
      table.probability_high.push_back(0);
    }
  }
  return table;
}

// `count` transitions whose labels are drawn from the distribution.
UserTransitions drawn(const LabelDistributionOf& model, int count, uint64_t seed) {
  Random random(seed);
  UserTransitions transitions;
  for (int t = 0; t < count; ++t) {
    const int32_t context[] = {static_cast<int32_t>(random.below(kClusters)),
                               static_cast<int32_t>(random.below(kClusters))};
    const std::vector<double> log_prob = model(context);
    double point = random.uniform();
    int32_t label = 0;
    for (; label < kClusters - 1; ++label)
      if ((point -= std::exp(log_prob[static_cast<size_t>(label)])) < 0) break;
    if (log_prob[static_cast<size_t>(label)] == -INFINITY) continue;
    transitions.user.push_back(t / 3);
    transitions.context.insert(transitions.context.end(), {context[0], context[1]});
    transitions.label.push_back(label);
  }
  return transitions;
}

TransitionSet counted(const UserTransitions& transitions) {
  TransitionSet set;
  set.context = transitions.context;
  set.label = transitions.label;
  set.count.assign(set.label.size(), 1);
  return set;
}

TEST(Blend, ATableIsADistributionWithTheRestSpreadEqually) {
  const LabelDistributionOf model = table_distribution(table_of(2));
  const int32_t context[] = {0, 3};
  const std::vector<double> log_prob = model(context);
  double total = 0;
  for (const double value : log_prob) total += std::exp(value);
  EXPECT_NEAR(total, 1, 1e-12);
  EXPECT_EQ(log_prob[0], -INFINITY);
  EXPECT_EQ(log_prob[3], -INFINITY);
  EXPECT_NEAR(log_prob[4] - log_prob[5], std::log(2), 1e-6);
  for (const size_t label : {2, 6, 7}) EXPECT_EQ(log_prob[label], log_prob[1]);
  EXPECT_LT(log_prob[1], log_prob[5]);
}

TEST(Blend, FindsTheWeightsThatTheTransitionsWereDrawnWith) {
  const LabelDistributionOf llm = table_distribution(table_of(6));
  const TransitionSet set = counted(drawn(uniform_distribution(kClusters), 300, 1));
  const LabelDistributionOf counts = backoff_distribution(set, kClusters, 4),
                            popularity = popularity_distribution(set, kClusters);
  const std::vector<LabelDistributionOf> parts = {llm, counts, popularity};
  const std::vector<double> truth = {0.7, 0.4, -2};
  const std::vector<double> found = fit_weights(parts, drawn(combined(parts, truth, 2), 60000, 2));
  EXPECT_NEAR(found[0], truth[0], 0.03);
  EXPECT_NEAR(found[1], truth[1], 0.03);
  EXPECT_NEAR(found[2], truth[2], 0.15);
}

TEST(Blend, BackoffCountsThePairAndFallsBackOnTheLastCluster) {
  const TransitionSet set{2, {0, 1, 0, 1, 2, 1}, {2, 3, 0}, {3, 1, 1}};
  const int32_t seen[] = {0, 1}, unseen[] = {3, 1};
  const auto markov = markov_distribution(set, 4);
  EXPECT_EQ(backoff_distribution(set, 4, 2)(unseen), markov(unseen));
  const std::vector<double> log_prob = backoff_distribution(set, 4, 2)(seen);
  const double two = 3 + 2 * std::exp(markov(seen)[2]), three = 1 + 2 * std::exp(markov(seen)[3]);
  EXPECT_NEAR(std::exp(log_prob[2]), two / (two + three), 1e-12);
}

TEST(Blend, WritesTheBlendedTableAndReports) {
  const TemporaryFolder folder;
  const LabelDistributionOf llm = table_distribution(table_of(6));
  Transitions transitions;
  transitions.all = counted(drawn(llm, 200, 3));
  transitions.dev = drawn(llm, 900, 4);
  transitions.test = drawn(llm, 900, 5);
  save_transitions(transitions, folder / "transitions.h5");
  save_tree(small_tree(), folder / "tree.h5");
  save_pair_table(table_of(6), folder / "table.h5");
  const nlohmann::json result = blend_table(folder.path(), folder / "table_blend.h5");
  // What the transitions were drawn from explains them better than 200 of them counted.
  EXPECT_GT(result.at("weights").at("llm").get<double>(), 0.7);
  const auto& all = result.at("test").at("all");
  EXPECT_LT(all.at(1).at("nll").get<double>(), all.at(0).at("nll").get<double>());
  EXPECT_LT(all.at(2).at("nll").get<double>(), all.at(1).at("nll").get<double>() + 0.01);
  const auto& gain = result.at("differences").at("all").at("nll_counts_minus_blend");
  EXPECT_GT(gain.at("mean").get<double>(), 0);
  EXPECT_GT(result.at("transitions").at("unseen").get<int>(), 0);
  const PairTable blended = load_pair_table(folder / "table_blend.h5");
  EXPECT_EQ(blended.k, 6);
  EXPECT_EQ(blended.rows(), 64);
  EXPECT_EQ(blended.label[3 * 6], 4);  // after (0, 3)
  EXPECT_TRUE(blended.hashes.count("blend"));
}

TEST(Blend, ATableOfAnotherTreeIsRefused) {
  const TemporaryFolder folder;
  PairTable other = table_of(2);
  other.contexts = ContextList::all(4, 2);
  other.label.resize(32);
  for (int32_t& label : other.label) label = std::min(label, 3);
  for (std::vector<float>* values :
       {&other.log_prob, &other.probability_low, &other.probability_high})
    values->resize(32);
  save_pair_table(other, folder / "table.h5");
  save_tree(small_tree(), folder / "tree.h5");
  save_transitions({}, folder / "transitions.h5");
  EXPECT_NE(error_of([&] {
              blend_table(folder.path(), folder / "b.h5");
            }).find("table.h5: expected a table of 8 clusters, got 4"),
            std::string::npos);
}

}  // namespace
}  // namespace serendip
