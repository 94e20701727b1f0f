#include "train/step_evaluation.h"

#include <gtest/gtest.h>

#include <cmath>

namespace serendip {
namespace {

StepEvaluation at(int64_t step, double match_rate, double recall, double nll) {
  StepEvaluation evaluation;
  evaluation.step = step;
  evaluation.match_rate = match_rate;
  evaluation.dev.all = {10, recall / 4, recall / 2, recall, nll};
  return evaluation;
}

TEST(BestStep, IsTheBestOnDevAmongThoseThatMatch) {
  EvalOptions options;
  EXPECT_EQ(best_step({}, options), -1);
  const std::vector<StepEvaluation> evaluations = {at(10, 0.5, 0.9, 3), at(20, 0.99, 0.3, 5),
                                                   at(30, 1, 0.4, 6), at(40, 1, 0.4, 4)};
  EXPECT_EQ(best_step(evaluations, options), 30);  // the earlier on a tie
  options.choose = "nll";
  EXPECT_EQ(best_step(evaluations, options), 40);
  // Where none matches well enough, the highest match rate.
  EXPECT_EQ(best_step({at(10, 0.5, 0.9, 3), at(20, 0.7, 0.1, 5)}, options), 20);
  EXPECT_EQ(best_step({at(10, 0.7, 0.1, 5), at(20, 0.7, 0.4, 3), at(30, 0.7, 0.4, 3)}, options),
            20);
}

TEST(StepEvaluation, IsReadBackAsItWasWritten) {
  StepEvaluation evaluation = at(10, 0.5, 0.25, 3.5);
  evaluation.loss = 1.5;
  evaluation.label_entropy_bits = 2;
  evaluation.test.unseen = {3, 0.1, 0.2, 0.3, 4};
  const nlohmann::json json = evaluation.json();
  EXPECT_EQ(StepEvaluation::from(json).json(), json);
  const nlohmann::json flat = evaluation.flat();
  EXPECT_EQ(flat.at("dev_recall_at_10"), 0.25);
  EXPECT_EQ(flat.at("test_unseen_nll"), 4);
  EXPECT_FALSE(flat.contains("dev_unseen_nll"));  // of no transitions
}

// Baselines over known counts, and which transitions training users never made.
TEST(StepEvaluator, CountsSeenAndUnseenTransitions) {
  StepEvaluator::Sets sets;
  sets.all = {2, {0, 1, 1, 2}, {2, 3}, {5, 1}};
  sets.sft = {2, {0, 1, 1, 2}, {2, 3}, {5, 1}};
  sets.dev = {2, {0, 1, 0, 1}, {2, 3}, {1, 3}};  // the second was never made
  sets.test = {2, {3, 1}, {2}, {2}};
  EvalOptions options;
  options.match_contexts = 4;
  options.sample = 100;
  ProcessGroup alone(LaunchInfo{});
  const StepEvaluator evaluator(sets, 4, options, alone);
  const nlohmann::json popularity = evaluator.baselines().at("popularity");
  EXPECT_EQ(popularity.at("sft").at("all").at("count"), 6);
  EXPECT_EQ(popularity.at("sft").at("unseen").at("count"), 0);
  EXPECT_EQ(popularity.at("dev").at("all").at("count"), 4);
  EXPECT_EQ(popularity.at("dev").at("unseen").at("count"), 3);
  EXPECT_EQ(popularity.at("test").at("unseen").at("count"), 2);
  // After (0, 1) the labels 2 and 3 have 6 and 2 of the counts, each one more than there were.
  EXPECT_NEAR(popularity.at("dev").at("all").at("nll").get<double>(),
              (-std::log(0.75) - 3 * std::log(0.25)) / 4, 1e-12);
  EXPECT_EQ(popularity.at("dev").at("all").at("recall_at_1"), 0.25);
  EXPECT_EQ(popularity.at("dev").at("unseen").at("recall_at_1"), 0);
}

}  // namespace
}  // namespace serendip
