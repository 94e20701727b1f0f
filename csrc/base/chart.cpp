#include "base/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/chart_parts.h"
#include "base/gnuplot.h"

namespace serendip {
namespace {

constexpr std::array<int, 8> kMarks = {7, 5, 9, 13, 11, 6, 4, 8};
constexpr int kHeight = 300;
constexpr int kNameHeight = 26, kLegendHeight = 19;  // of one of its y_names, of a series

using Style = ChartSeries::Style;

bool has_interval(const ChartPoint& point) {
  return std::isfinite(point.y_low) && std::isfinite(point.y_high);
}

bool has_x_interval(const ChartPoint& point) {
  return std::isfinite(point.x_low) && std::isfinite(point.x_high);
}

const ChartPoint& best_point(const std::vector<ChartPoint>& points, bool lowest) {
  const auto less = [](const ChartPoint& a, const ChartPoint& b) { return a.y < b.y; };
  return lowest ? *std::min_element(points.begin(), points.end(), less)
                : *std::max_element(points.begin(), points.end(), less);
}

std::string y_tics(const Chart& chart) {
  std::string tics;
  for (size_t i = 0; i < chart.y_names.size(); ++i)
    tics += fmt::format("{}{} {}", i > 0 ? ", " : "", gnuplot_quoted(chart.y_names[i]), i);
  return fmt::format("set ytics ({}) scale 0\n", tics);
}

// The data of a series and what of `plot` shows them.
struct Drawn {
  std::string data;
  std::vector<std::string> plots;
};

// A series' intervals. `aside`: how far bars of a curve stand from its points, so that those of
// several curves are told apart. Lines, where gnuplot's error bars would lie on white discs.
std::vector<std::string> interval_plots(const ChartSeries& series, double aside) {
  std::vector<std::string> plots;
  if (std::any_of(series.points.begin(), series.points.end(), has_interval))
    plots.push_back(series.style == Style::kLine
                        ? "1:3:4 with filledcurves fs transparent solid 0.1 noborder"
                        : fmt::format("($1+{:.6g}):3:(0):($4-$3) with vectors nohead lw 1", aside));
  if (std::any_of(series.points.begin(), series.points.end(), has_x_interval))
    plots.emplace_back("5:2:($6-$5):(0) with vectors nohead lw 1");
  return plots;
}

// `width`: of the values of x.
Drawn drawn_series(const Chart& chart, size_t index, double width) {
  const ChartSeries& series = chart.series[index];
  const std::vector<ChartPoint> points = finite_points(series);
  Drawn drawn;
  if (points.empty()) return drawn;
  const std::string name = fmt::format("series{}", index);
  drawn.data = data_block(name, points);
  const auto plot = [&](const std::string& data, const std::string& how, const std::string& title) {
    drawn.plots.push_back(fmt::format("${} using {} lc rgb '{}' {}", data, how,
                                      kChartColours[index % kChartColours.size()], title));
  };
  const double from_middle =
      static_cast<double>(index) - static_cast<double>(chart.series.size() - 1) / 2;
  const double aside = series.style == Style::kMeasured ? 0.006 * width * from_middle : 0;
  for (const std::string& how : interval_plots(series, aside)) plot(name, how, "notitle");
  // Past the last colour they start again, with other marks and dashes.
  const size_t round = index / kChartColours.size();
  const std::string mark =
      fmt::format("1:2 with points pt {} ps 0.9", kMarks[(index + 3 * round) % kMarks.size()]);
  const std::string title = "title " + gnuplot_quoted(series.name);
  if (series.style == Style::kPoints) {
    plot(name, mark, title);
    return drawn;
  }
  const int dashes = series.style == Style::kReference ? 2 : round > 0 ? 4 : 1;
  plot(name, fmt::format("1:2 with lines lw 2 dt {}", dashes), title);
  if (series.style != Style::kMeasured) return drawn;
  drawn.data += data_block(name + "best", {best_point(points, chart.lowest_is_best)});
  plot(name + "best", mark, "notitle");
  return drawn;
}

int height_of(const Chart& chart) {
  if (!chart.y_names.empty()) return 90 + kNameHeight * static_cast<int>(chart.y_names.size());
  return std::max(kHeight, 130 + kLegendHeight * static_cast<int>(chart.series.size()));
}

std::string chart_script(const Chart& chart) {
  const auto [x, y] = ranges_of(chart);
  std::string data, plots;
  for (size_t i = 0; i < chart.series.size(); ++i) {
    const Drawn drawn = drawn_series(chart, i, x.high > x.low ? x.high - x.low : 0);
    data += drawn.data;
    for (const std::string& plot : drawn.plots) plots += (plots.empty() ? "" : ", ") + plot;
  }
  std::string script = fmt::format(
      "set title {}\nset xlabel {}\nset ylabel {}\n"
      "set border 3 lc rgb '#333333'\nset tics nomirror\nset grid lt 1 lw 1 lc rgb '#dddddd'\n"
      "set key outside right top vertical maxcols 1 Left reverse samplen 2\n",
      gnuplot_quoted(chart.title), gnuplot_quoted(chart.x_label), gnuplot_quoted(chart.y_label));
  script += "set xrange " + range_text(x, chart.x_shown) + "\n";
  script += chart.y_names.empty()
                ? "set ytics autofreq\nset yrange " + range_text(y, chart.y_shown) + "\n"
                : fmt::format("{}set yrange [{}:-0.5]\n", y_tics(chart),
                              static_cast<double>(chart.y_names.size()) - 0.5);
  // gnuplot draws no axes without a curve: one out of sight.
  if (plots.empty()) plots = "[0:1] [0:1] 2 notitle";
  return data + script + "plot " + plots + "\n";
}

}  // namespace

std::string charts_svg(const std::string& name, const std::vector<Chart>& charts) {
  int tallest = 0;  // of a layout, all are as tall
  std::string titles;
  for (const Chart& chart : charts) {
    tallest = std::max(tallest, height_of(chart));
    titles += (titles.empty() ? "" : "; ") + chart.title;
  }
  std::string script = fmt::format("set multiplot layout {},1\n", charts.size());
  for (const Chart& chart : charts) script += chart_script(chart);
  return draw_svg({name, titles, kChartWidth, tallest * static_cast<int>(charts.size()),
                   script + "unset multiplot\n"});
}

}  // namespace serendip
