#include "train/learning_curve.h"

#include <tuple>

#include "base/file.h"
#include "base/gnuplot.h"
#include "base/log.h"
#include "base/wilson.h"

namespace serendip {
namespace {

using Json = nlohmann::json;
using Style = ChartSeries::Style;

// The values of `key` by step, none where it is missing; shares get the interval of `count_key`
// trials.
ChartSeries measured(const std::string& name, const std::vector<Json>& evaluations,
                     const std::string& key, const std::string& count_key = {}) {
  ChartSeries series{name};
  for (const Json& evaluation : evaluations) {
    if (!evaluation.contains(key)) continue;
    ChartPoint point{evaluation.at("step"), evaluation.at(key)};
    const int64_t count = evaluation.value(count_key, int64_t{0});
    if (count > 0) std::tie(point.y_low, point.y_high) = wilson_interval(point.y, count);
    series.points.push_back(point);
  }
  return series;
}

// A baseline's figure on the test set, at every step the same.
ChartSeries level(const std::string& name, const std::vector<Json>& evaluations, double value) {
  ChartSeries series{name + ", test", {}, Style::kReference};
  for (const Json& evaluation : evaluations)
    series.points.push_back({evaluation.at("step"), value});
  return series;
}

}  // namespace

std::vector<Chart> learning_curve(const std::vector<Json>& evaluations, const Json& baselines) {
  Chart match{"Match rate", "step", "share of contexts"};
  match.series = {measured("match rate", evaluations, "match_rate", "match_contexts")};
  match.y_shown = {0, 1};
  Chart recall{"Recall@10", "step", "share of transitions"};
  recall.y_shown = {0};
  Chart likelihood{"Negative log-likelihood over all labels", "step", "nats"};
  likelihood.lowest_is_best = true;
  const std::vector<std::pair<const char*, std::string>> sets = {
      {"fine-tuning set", "sft"}, {"dev", "dev"}, {"test", "test"}};
  for (const auto& [name, set] : sets) {
    recall.series.push_back(measured(name, evaluations, set + "_recall_at_10", set + "_count"));
    likelihood.series.push_back(measured(name, evaluations, set + "_nll"));
  }
  for (const auto& [name, of_sets] : baselines.items()) {
    const Json& test = of_sets.at("test").at("all");
    recall.series.push_back(level(name, evaluations, test.at("recall_at_10")));
    likelihood.series.push_back(level(name, evaluations, test.at("nll")));
  }
  return {match, recall, likelihood};
}

void save_learning_curve(const std::vector<Json>& evaluations, const Json& baselines,
                         const std::filesystem::path& path) {
  if (!gnuplot_is_installed()) {
    spdlog::warn("{}: not drawn: gnuplot is not installed (Debian package gnuplot-nox)",
                 path.string());
    return;
  }
  write_file(path, charts_svg("figure_4a", learning_curve(evaluations, baselines)));
}

}  // namespace serendip
