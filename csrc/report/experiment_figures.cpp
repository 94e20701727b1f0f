#include "report/experiment_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/panels.h"
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
  const std::string heading = "<h3>Figure 4b: novelty against quality</h3>\n";
  if (!results.find("figure_4b"))
    return heading + html_missing("Figure 4b, for which experiment.arms must have a bandit,",
                                  "serendip simulate experiment");
  const std::string bandit = results.at("parameters").at("bandit").text();
  const Fields entries = results.at("figure_4b").items();
  Chart chart{"Novelty against quality, over " + bandit,
              "novel items an impression, over " + bandit, "liked items an impression"};
  chart.series = series_by_arm(entries, bandit, [](const JsonField& entry) {
    const JsonField novelty = entry.at("novelty");
    ChartPoint point = effect_point(novelty.at("value").number(), entry.at("quality"));
    point.x_low = novelty.at("low").number();
    point.x_high = novelty.at("high").number();
    return point;
  });
  for (ChartSeries& series : chart.series) series.style = ChartSeries::Style::kPoints;
  chart.x_shown = chart.y_shown = {0};
  HtmlTable table{"Novel and liked items an impression, over " + bandit, {"arm", "novel", "liked"}};
  for (const JsonField& entry : entries)
    table.rows.push_back({entry.at("arm").text(), effect_text(entry.at("novelty")),
                          effect_text(entry.at("quality"))});
  return heading +
         html_figure(charts_svg("figure_4b", {chart}),
                     "Novelty against quality. Differences to the bandit, which is at (0, 0), at "
                     "the places that each policy chooses itself, with 95% intervals. Up: more is "
                     "liked. To the right: more is new.") +
         html_details("Figure 4b as a table", html_table(table));
}

Chart clusters_chart(const Fields& entries, const std::string& control, const std::string& reading,
                     const char* title) {
  Fields of_reading = entries;
  std::erase_if(of_reading,
                [&](const JsonField& entry) { return entry.at("reading").text() != reading; });
  Chart chart{title, "N, of 761 clusters", "share of users, over " + control};
  chart.series = series_by_arm(of_reading, control, [](const JsonField& entry) {
    return effect_point(entry.at("n_of_761").number(), entry.at("over_control"));
  });
  chart.y_shown = {0};
  return chart;
}

std::string clusters_engaged(const JsonField& results) {
  const Fields entries = results.at("figure_4c").items();
  const std::string control = results.at("parameters").at("control").text();
  HtmlTable table{"Share of users who liked N clusters",
                  {"arm", "reading", "N of 761", "N here", "users", "over " + control, "p (Holm)"}};
  for (const JsonField& entry : entries)
    table.rows.push_back({entry.at("arm").text(),
                          entry.at("reading").text() == "exactly" ? "exactly" : "at least",
                          std::to_string(entry.at("n_of_761").integer()),
                          std::to_string(entry.at("n").integer()), effect_text(entry.at("users")),
                          effect_text(entry.at("over_control")), p_value_text(entry.at("p_holm"))});
  return "<h3>Figure 4c: clusters engaged with</h3>\n" +
         html_figure(
             panels_svg("figure_4c_exactly", clusters_chart(entries, control, "exactly",
                                                            "UCI@N, read as exactly N clusters")),
             "UCI@N as exactly N. Share of users who liked items of exactly N clusters, "
             "less the control's.") +
         html_figure(
             panels_svg("figure_4c_at_least", clusters_chart(entries, control, "at_least",
                                                             "UCI@N, read as at least N clusters")),
             "UCI@N as at least N. The same of at least N clusters. Bands: 95% intervals that are "
             "not corrected for the number of N; the p-values of the table are, by Holm. N is the "
             "paper's, of 761 clusters; these worlds have fewer, and N is scaled to them.") +
         html_details("Figure 4c as a table", html_table(table));
}

Chart days_chart(const Fields& entries, const std::string& control, const char* metric,
                 const std::string& title, const std::string& unit) {
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
  HtmlTable table{"Minutes watched and users with at least 10 of them, by day",
                  {"arm", "day", "minutes", "over " + control, "users", "over " + control}};
  for (const JsonField& entry : entries) {
    table.rows.push_back({entry.at("arm").text(), std::to_string(entry.at("day").integer() + 1)});
    for (const char* metric : {"watch_minutes", "active"})
      for (const char* what : {"level", "over_control"})
        table.rows.back().push_back(effect_text(entry.at(metric).at(what)));
  }
  return "<h3>Figure 5: over days</h3>\n" +
         html_figure(panels_svg("figure_5_minutes",
                                days_chart(entries, control, "watch_minutes",
                                           "Watch time over " + control, "minutes a user")),
                     "Watch time by day. Differences to the control, with 95% intervals.") +
         html_figure(panels_svg("figure_5_active",
                                days_chart(entries, control, "active",
                                           "Users with at least 10 minutes, over " + control,
                                           "share of users")),
                     "Users with at least 10 minutes by day. Differences to the control, with 95% "
                     "intervals; none is corrected for the number of days.") +
         html_details("Figure 5 as a table", html_table(table));
}

struct Grid {
  std::set<double> accuracies, gammas;
  explicit Grid(const Fields& cells) {
    for (const JsonField& cell : cells) {
      accuracies.insert(cell.at("accuracy").number());
      gammas.insert(cell.at("gamma").number());
    }
  }
  size_t place_of(const JsonField& cell) const {
    const auto row = std::distance(gammas.begin(), gammas.find(cell.at("gamma").number()));
    const auto column =
        std::distance(accuracies.begin(), accuracies.find(cell.at("accuracy").number()));
    return static_cast<size_t>(row) * accuracies.size() + static_cast<size_t>(column);
  }
};

// The effects of one metric over the grid.
HeatMap grid_map(const Fields& cells, const char* metric, const char* title, const char* unit) {
  const Grid grid(cells);
  HeatMap map{title, "accuracy ρ of the language policy", "satiation γ", unit};
  map.sequential = false;
  for (const double accuracy : grid.accuracies) map.x_names.push_back(fmt::format("{}", accuracy));
  for (const double gamma : grid.gammas) map.y_names.push_back(fmt::format("{}", gamma));
  const size_t size = grid.accuracies.size() * grid.gammas.size();
  map.values.assign(size, NAN);
  map.texts.resize(size);
  for (const JsonField& cell : cells) {
    const JsonField effect = cell.at(metric);
    const auto number = [&](const char* key) { return effect.at(key).number(); };
    map.values[grid.place_of(cell)] = number("value");
    map.texts[grid.place_of(cell)] = {
        fmt::format("{:.2f}", number("value")),
        fmt::format("{:.2f} to {:.2f}", number("low"), number("high"))};
  }
  return map;
}

std::string phase_diagram(const JsonField& results) {
  const std::string heading = "<h3>Where it pays: accuracy and satiation</h3>\n";
  const Fields cells = results.at("phase_diagram").items();
  if (cells.empty())
    return heading + html_missing("grid over accuracy ρ and satiation γ",
                                  "serendip simulate experiment experiment.grid_worlds=5 "
                                  "run.folder=ANOTHER");
  HtmlTable table{
      "The language policy over the control",
      {"γ", "ρ", "worlds", "minutes of the control", "minutes over it", "interests found over it"}};
  for (const JsonField& cell : cells)
    table.rows.push_back({fmt::format("{}", cell.at("gamma").number()),
                          fmt::format("{}", cell.at("accuracy").number()),
                          std::to_string(cell.at("worlds").integer()),
                          fmt::format("{:.3g}", cell.at("control_minutes").number()),
                          effect_text(cell.at("watch_minutes")),
                          effect_text(cell.at("interests_found"))});
  return heading +
         html_figure(heat_map_svg("phase_minutes",
                                  grid_map(cells, "watch_minutes", "Watch time over the control",
                                           "minutes a user-day")),
                     "Watch time by accuracy and satiation. Blue: more is watched than in the "
                     "control; orange: less. Below each value its 95% interval.") +
         html_figure(
             heat_map_svg("phase_interests",
                          grid_map(cells, "interests_found",
                                   "True interests found over the control", "interests a user")),
             "Interests found by accuracy and satiation. Topics that a user truly likes and came "
             "to know, less the control's.") +
         html_details("The phase diagram as a table", html_table(table));
}

}  // namespace

std::string effect_text(const JsonField& effect) {
  return fmt::format("{:.3g} [{:.3g}, {:.3g}]", effect.at("value").number(),
                     effect.at("low").number(), effect.at("high").number());
}

std::string p_value_text(const JsonField& p_value) {
  return p_value.number() < 0.001 ? "< 0.001" : fmt::format("{:.2g}", p_value.number());
}

std::string experiment_figures_html(const JsonField& results) {
  return novelty_against_quality(results) + clusters_engaged(results) + over_days(results) +
         phase_diagram(results);
}

}  // namespace serendip
