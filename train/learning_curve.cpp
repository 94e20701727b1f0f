#include "train/learning_curve.h"

#include "base/file.h"
#include "base/line_chart.h"

namespace serendip {
namespace {

using Measure = double (*)(const StepEvaluation&);

ChartSeries measured(const char* name, const std::vector<StepEvaluation>& evaluations,
                     Measure measure) {
  ChartSeries series{name, {}};
  for (const StepEvaluation& evaluation : evaluations)
    series.points.emplace_back(evaluation.step, measure(evaluation));
  return series;
}

// A baseline's figure on the test set, at every step the same.
ChartSeries level(const std::string& name, const std::vector<StepEvaluation>& evaluations,
                  double value) {
  ChartSeries series{name, {}, /*dashed=*/true};
  for (const StepEvaluation& evaluation : evaluations)
    series.points.emplace_back(evaluation.step, value);
  return series;
}

}  // namespace

void save_learning_curve(const std::vector<StepEvaluation>& evaluations,
                         const nlohmann::json& baselines, const std::filesystem::path& path) {
  using E = StepEvaluation;
  LineChart match{"Match rate", "step", "share of contexts", {}};
  match.series = {measured("match rate", evaluations, [](const E& e) { return e.match_rate; })};
  match.y_shown = {0, 1};
  LineChart recall{"Recall@10", "step", "share of transitions", {}};
  recall.series = {
      measured("fine-tuning set", evaluations, [](const E& e) { return e.sft.all.recall_at_10; }),
      measured("dev", evaluations, [](const E& e) { return e.dev.all.recall_at_10; }),
      measured("test", evaluations, [](const E& e) { return e.test.all.recall_at_10; })};
  recall.y_shown = {0};
  LineChart likelihood{"Negative log-likelihood over all labels", "step", "nats", {}};
  likelihood.lowest_is_best = true;
  likelihood.series = {
      measured("fine-tuning set", evaluations, [](const E& e) { return e.sft.all.nll; }),
      measured("dev", evaluations, [](const E& e) { return e.dev.all.nll; }),
      measured("test", evaluations, [](const E& e) { return e.test.all.nll; })};
  for (const auto& [name, sets] : baselines.items()) {
    const nlohmann::json& test = sets.at("test").at("all");
    recall.series.push_back(level(name + ", test", evaluations, test.at("recall_at_10")));
    likelihood.series.push_back(level(name + ", test", evaluations, test.at("nll")));
  }
  write_file(path, charts_svg({match, recall, likelihood}));
}

}  // namespace serendip
