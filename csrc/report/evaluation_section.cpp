// The fine-tuned model beside its baselines on held-out users (eval.json).
#include <fmt/format.h>

#include "base/quantity_text.h"
#include "base/wilson.h"
#include "report/sections.h"

namespace serendip {
namespace {

constexpr double kNormal95 = 1.959964;

std::string with_error(double mean, const std::optional<JsonField>& error) {
  return error ? fmt::format("{:.4f} ± {:.4f}", mean, error->number())
               : fmt::format("{:.4f}", mean);
}

// One mark a model, with its 95% interval.
Chart model_chart(const std::vector<JsonField>& models, const std::string& key, const char* title,
                  const char* label) {
  Chart chart{title, label, ""};
  ChartSeries series{"", {}, ChartSeries::Style::kPoints};
  for (const JsonField& model : models) {
    ChartPoint point{model.at(key).number(), static_cast<double>(chart.y_names.size())};
    if (const auto error = model.find(key + "_se")) {
      point.x_low = point.x - kNormal95 * error->number();
      point.x_high = point.x + kNormal95 * error->number();
    }
    chart.y_names.push_back(model.at("model").text());
    series.points.push_back(point);
  }
  chart.series = {std::move(series)};
  chart.x_shown = {0};
  return chart;
}

HtmlTable model_table(const std::vector<JsonField>& models) {
  HtmlTable table{"Held-out users, ± one standard error",
                  {"model", "recall@1", "recall@5", "recall@10", "negative log-likelihood, nats"}};
  for (const JsonField& model : models) {
    table.rows.push_back({model.at("model").text()});
    for (const std::string key : {"recall_at_1", "recall_at_5", "recall_at_10", "nll"})
      table.rows.back().push_back(with_error(model.at(key).number(), model.find(key + "_se")));
  }
  return table;
}

std::string match_rate(const JsonField& eval) {
  const double rate = eval.at("match_rate").number();
  const int64_t contexts = eval.at("match_rate_contexts").integer();
  std::string text = fmt::format("Match rate {:.4f} over {} contexts", rate,
                                 count_text(static_cast<double>(contexts)));
  if (contexts > 0) {
    const auto [low, high] = wilson_interval(rate, contexts);
    text += fmt::format(" (95% interval {:.4f} to {:.4f})", low, high);
  }
  return text + ": the share of free-running answers that are an interest's line, word for word.";
}

}  // namespace

HtmlSection evaluation_section(const RunArtifacts& run) {
  HtmlSection section{"evaluation", "Is the language model worth it?", {}};
  const std::filesystem::path path = run.folder / "eval.json";
  if (!std::filesystem::exists(path)) {
    section.body = html_missing("eval.json", "serendip eval");
    return section;
  }
  const nlohmann::json json = read_json(path);
  const JsonField eval(json, path.string());
  const std::vector<JsonField> models = eval.at("comparison").items();
  section.body =
      html_paragraph(match_rate(eval)) +
      html_figure(
          charts_svg(
              "evaluation",
              {model_chart(models, "recall_at_10", "Recall@10 (more is better)",
                           "share of transitions"),
               model_chart(models, "nll",
                           "Negative log-likelihood over all labels (less is better)", "nats")}),
          fmt::format("{} transitions of {} held-out users. Bars: 95% intervals, users drawn as a "
                      "whole.",
                      count_text(eval.at("test_transitions").number()),
                      count_text(eval.at("test_users").number()))) +
      html_table(model_table(models));
  return section;
}

}  // namespace serendip
