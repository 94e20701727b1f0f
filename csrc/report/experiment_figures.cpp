#include "report/experiment_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/chart.h"
#include "report/heat_map.h"
#include "report/html.h"

namespace serendip {
namespace {

using Fields = std::vector<JsonField>;

ChartPoint effect_point(double x, const JsonField& effect) {
  return {x, effect.at("value").number(), effect.at("low").number(), effect.at("high").number()};
}

// A curve an arm, in the order in which the arms first appear; none of the one that all are
// compared with.
template <typename Point>
std::vector<ChartSeries> series_by_arm(const Fields& entries, const std::string& reference,
                                       const Point& point) {
  std::vector<ChartSeries> series;
  for (const JsonField& entry : entries) {
    const std::string arm = entry.at("arm").text();
    if (arm == reference) continue;
    auto of_arm = std::find_if(series.begin(), series.end(),
                               [&](const ChartSeries& each) { return each.name == arm; });
    if (of_arm == series.end())
      of_arm = series.insert(series.end(), {arm, {}, ChartSeries::Style::kLine});
    of_arm->points.push_back(point(entry));
  }
  return series;
}

std::string novelty_against_quality(const JsonField& results) {
  const std::string bandit = results.at("parameters").at("bandit").text();
  Chart chart{"Novelty against quality, over " + bandit,
              "novel items an impression, over " + bandit, "liked items an impression"};
  chart.series = series_by_arm(results.at("figure_4b").items(), bandit, [](const JsonField& entry) {
    const JsonField novelty = entry.at("novelty");
    ChartPoint point = effect_point(novelty.at("value").number(), entry.at("quality"));
    point.x_low = novelty.at("low").number();
    point.x_high = novelty.at("high").number();
    return point;
  });
  for (ChartSeries& series : chart.series) series.style = ChartSeries::Style::kPoints;
  chart.x_shown = chart.y_shown = {0};
  return "<h3>Figure 4b: novelty against quality</h3>\n" +
         html_figure(charts_svg("figure_4b", {chart}),
                     "Differences to the bandit, which is at (0, 0), at the places that each "
                     "policy chooses itself, with "
                     "95% intervals. Up: more is liked. To the right: more is new.");
}

Chart clusters_chart(const Fields& entries, const std::string& control, const std::string& reading,
                     const char* title) {
  Fields of_reading = entries;
  std::erase_if(of_reading,
                [&](const JsonField& entry) { return entry.at("reading").text() != reading; });
  Chart chart{title, "N, of 761 clusters", "share of users, over control"};
  chart.series = series_by_arm(of_reading, control, [](const JsonField& entry) {
    return effect_point(entry.at("n_of_761").number(), entry.at("over_control"));
  });
  chart.y_shown = {0};
  return chart;
}

std::string clusters_engaged(const JsonField& results) {
  const Fields entries = results.at("figure_4c").items();
  const std::string control = results.at("parameters").at("control").text();
  return "<h3>Figure 4c: clusters engaged with</h3>\n" +
         html_figure(
             charts_svg("figure_4c", {clusters_chart(entries, control, "exactly",
                                                     "UCI@N, read as exactly N clusters"),
                                      clusters_chart(entries, control, "at_least",
                                                     "UCI@N, read as at least N clusters")}),
             "Share of users who liked items of N clusters, less the control's, with 95% intervals "
             "that are not corrected for the number of N; the claims above are (Holm). N is the "
             "paper's, of 761 clusters; these worlds have fewer, and N is scaled to them.");
}

Chart days_chart(const Fields& entries, const std::string& control, const char* metric,
                 const char* title, const char* unit) {
  Chart chart{title, "day", unit};
  chart.series = series_by_arm(entries, control, [&](const JsonField& entry) {
    return effect_point(entry.at("day").number() + 1, entry.at(metric).at("over_control"));
  });
  chart.y_shown = {0};
  return chart;
}

std::string over_days(const JsonField& results) {
  const Fields entries = results.at("figure_5").items();
  const std::string control = results.at("parameters").at("control").text();
  return "<h3>Figure 5: over days</h3>\n" +
         html_figure(
             charts_svg("figure_5", {days_chart(entries, control, "watch_minutes",
                                                "Watch time over control", "minutes a user"),
                                     days_chart(entries, control, "active",
                                                "Users with at least 10 minutes, over control",
                                                "share of users")}),
             "Differences to the control on each day, with 95% intervals.");
}

std::string phase_diagram(const JsonField& results) {
  const Fields cells = results.at("phase_diagram").items();
  if (cells.empty()) return {};
  std::set<double> accuracies, gammas;
  for (const JsonField& cell : cells) {
    accuracies.insert(cell.at("accuracy").number());
    gammas.insert(cell.at("gamma").number());
  }
  HeatMap map{"Watch time of the hybrid over control", "accuracy ρ of the language policy",
              "satiation γ", "minutes a user-day"};
  map.sequential = false;
  map.shows_values = true;
  for (const double accuracy : accuracies) map.x_names.push_back(fmt::format("{}", accuracy));
  for (const double gamma : gammas) map.y_names.push_back(fmt::format("{}", gamma));
  map.values.assign(accuracies.size() * gammas.size(), NAN);
  HtmlTable table{"Watch time over control by satiation and accuracy, minutes a user-day",
                  {"γ", "ρ", "value", "from", "to", "worlds"}};
  for (const JsonField& cell : cells) {
    const double accuracy = cell.at("accuracy").number(), gamma = cell.at("gamma").number();
    const JsonField effect = cell.at("watch_minutes");
    const auto row = std::distance(gammas.begin(), gammas.find(gamma));
    const auto column = std::distance(accuracies.begin(), accuracies.find(accuracy));
    map.values[static_cast<size_t>(row) * accuracies.size() + static_cast<size_t>(column)] =
        effect.at("value").number();
    table.rows.push_back({fmt::format("{}", gamma), fmt::format("{}", accuracy),
                          fmt::format("{:.3g}", effect.at("value").number()),
                          fmt::format("{:.3g}", effect.at("low").number()),
                          fmt::format("{:.3g}", effect.at("high").number()),
                          std::to_string(cell.at("worlds").integer())});
  }
  return "<h3>Where it pays</h3>\n" +
         html_figure(heat_map_svg("phase", map),
                     "Blue: more is watched than in the control; orange: less.") +
         html_details("The same with 95% intervals", html_table(table));
}

}  // namespace

std::string experiment_figures_html(const JsonField& results) {
  std::string html;
  if (results.find("figure_4b")) html += novelty_against_quality(results);
  return html + clusters_engaged(results) + over_days(results) + phase_diagram(results);
}

}  // namespace serendip
