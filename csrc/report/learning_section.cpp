// Figure 4a: match rate and recall by step of fine-tuning.
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <sstream>

#include "base/check.h"
#include "base/file.h"
#include "report/sections.h"
#include "train/learning_curve.h"

namespace serendip {
namespace {

// The lines of metrics.jsonl that hold an evaluation.
std::vector<nlohmann::json> evaluations_of(const std::filesystem::path& path) {
  std::istringstream lines(read_file(path));
  std::vector<nlohmann::json> evaluations;
  int64_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    nlohmann::json entry = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    SERENDIP_CHECK(entry.is_object(), "{}:{}: expected a JSON object", path.string(), number);
    if (!entry.contains("match_rate")) continue;
    const JsonField field(entry, fmt::format("{}:{}", path.string(), number));
    field.at("step").integer();
    for (const auto& [key, value] : field.members())
      if (key != "stage") value.number();
    evaluations.push_back(std::move(entry));
  }
  return evaluations;
}

// The chart's numbers, a row a step, with their intervals.
HtmlTable step_table(const Chart& chart) {
  HtmlTable table{chart.title + " by step", {chart.x_label}};
  std::map<double, std::vector<std::string>> cells;  // by step
  for (const ChartSeries& series : chart.series) {
    for (const ChartPoint& point : series.points) {
      std::vector<std::string>& row = cells[point.x];
      row.resize(table.columns.size() - 1);
      row.push_back(std::isfinite(point.y_low)
                        ? fmt::format("{:.3f} [{:.3f}, {:.3f}]", point.y, point.y_low, point.y_high)
                        : fmt::format("{:.3f}", point.y));
    }
    table.columns.push_back(series.name);
  }
  for (auto& [step, row] : cells) {
    row.resize(table.columns.size() - 1);
    row.insert(row.begin(), fmt::format("{}", step));
    table.rows.push_back(row);
  }
  return table;
}

}  // namespace

HtmlSection learning_section(const RunArtifacts& run) {
  HtmlSection section{"figure-4a", "Figure 4a: fine-tuning by step", {}};
  const std::filesystem::path path = run.folder / "sft/metrics.jsonl";
  std::vector<nlohmann::json> evaluations;
  if (std::filesystem::exists(path)) evaluations = evaluations_of(path);
  if (evaluations.empty()) {
    section.body = html_missing("evaluation in sft/metrics.jsonl", "serendip sft");
    return section;
  }
  nlohmann::json baselines = nlohmann::json::object();
  const std::optional<JsonField> result = run.result("sft");
  if (const auto found = result ? result->find("baselines") : std::nullopt) {
    for (const auto& [name, sets] : found->members()) {
      const JsonField test = sets.at("test").at("all");
      test.at("recall_at_10").number();
      test.at("nll").number();
    }
    baselines = found->json();
  }
  const std::vector<Chart> charts = learning_curve(evaluations, baselines);
  section.body = html_figure(
      charts_svg("figure_4a", charts),
      "Match rate: share of free-running answers that are an interest's line of keywords, word for "
      "word. Recall@10: share of transitions whose label is among the ten best. Marks: the best of "
      "each curve. Bars: 95% intervals of a share (Wilson), contexts and transitions taken as "
      "independent. Dashed: counts, without a language model, on the test users.");
  std::string tables;
  for (const Chart& chart : charts) tables += html_table(step_table(chart));
  section.body += html_details("Figure 4a as a table", tables);
  return section;
}

}  // namespace serendip
