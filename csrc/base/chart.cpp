#include "base/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/gnuplot.h"

namespace serendip {
namespace {

// Okabe and Ito's colours, which most kinds of colour blindness tell apart; marks and dashes differ
// as well.
constexpr std::array<const char*, 8> kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                 "#b07800", "#2a8fc4", "#000000", "#7a7a7a"};
constexpr std::array<int, 8> kMarks = {7, 5, 9, 13, 11, 6, 4, 8};
constexpr int kHeight = 300, kNameHeight = 26;  // of a chart, of one of its y_names

using Style = ChartSeries::Style;

bool is_finite(const ChartPoint& point) { return std::isfinite(point.x) && std::isfinite(point.y); }

bool has_interval(const ChartPoint& point) {
  return std::isfinite(point.y_low) && std::isfinite(point.y_high);
}

bool has_x_interval(const ChartPoint& point) {
  return std::isfinite(point.x_low) && std::isfinite(point.x_high);
}

std::vector<ChartPoint> finite_points(const ChartSeries& series) {
  std::vector<ChartPoint> points = series.points;
  std::erase_if(points, [](const ChartPoint& point) { return !is_finite(point); });
  return points;
}

struct Range {
  double low = INFINITY, high = -INFINITY;
  void include(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

struct Ranges {
  Range x, y;
};

Ranges ranges_of(const Chart& chart) {
  Ranges ranges;
  for (const ChartSeries& series : chart.series) {
    for (const ChartPoint& point : finite_points(series)) {
      for (const double x : {point.x, point.x_low, point.x_high}) ranges.x.include(x);
      for (const double y : {point.y, point.y_low, point.y_high}) ranges.y.include(y);
    }
  }
  for (const double x : chart.x_shown) ranges.x.include(x);
  for (const double y : chart.y_shown) ranges.y.include(y);
  if (ranges.y.low > 0 && ranges.y.low < 0.5 * ranges.y.high) ranges.y.low = 0;
  for (Range* range : {&ranges.x, &ranges.y}) {
    if (range->low > range->high) *range = {0, 1};
    if (range->low == range->high) range->high += 1;
  }
  return ranges;
}

std::string data_block(const std::string& name, const std::vector<ChartPoint>& points) {
  std::string text = fmt::format("${} << END\n", name);
  for (const ChartPoint& p : points)
    text += fmt::format("{:.9g} {:.9g} {:.9g} {:.9g} {:.9g} {:.9g}\n", p.x, p.y, p.y_low, p.y_high,
                        p.x_low, p.x_high);
  return text + "END\n";
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

Drawn drawn_series(const Chart& chart, size_t index) {
  const ChartSeries& series = chart.series[index];
  const std::vector<ChartPoint> points = finite_points(series);
  Drawn drawn;
  if (points.empty()) return drawn;
  const std::string name = fmt::format("series{}", index);
  const char* colour = kColours[index % kColours.size()];
  drawn.data = data_block(name, points);
  const auto plot = [&](const std::string& data, const char* columns, const std::string& how,
                        const std::string& shown_as) {
    drawn.plots.push_back(
        fmt::format("${} using {} with {} lc rgb '{}' {}", data, columns, how, colour, shown_as));
  };
  if (std::any_of(points.begin(), points.end(), has_interval))
    plot(name, "1:2:3:4", "yerrorbars pt 0 lw 1", "notitle");
  if (std::any_of(points.begin(), points.end(), has_x_interval))
    plot(name, "1:2:5:6", "xerrorbars pt 0 lw 1", "notitle");
  const std::string title = "title " + gnuplot_quoted(series.name);
  const std::string mark = fmt::format("points pt {} ps 0.9", kMarks[index % kMarks.size()]);
  if (series.style == Style::kPoints) {
    plot(name, "1:2", mark, title);
    return drawn;
  }
  plot(name, "1:2", fmt::format("lines lw 2 dt {}", series.style == Style::kReference ? 2 : 1),
       title);
  if (series.style != Style::kMeasured) return drawn;
  drawn.data += data_block(name + "best", {best_point(points, chart.lowest_is_best)});
  plot(name + "best", "1:2", mark, "notitle");
  return drawn;
}

std::string chart_script(const Chart& chart) {
  const auto [x, y] = ranges_of(chart);
  std::string data, plots;
  for (size_t i = 0; i < chart.series.size(); ++i) {
    const Drawn drawn = drawn_series(chart, i);
    data += drawn.data;
    for (const std::string& plot : drawn.plots) plots += (plots.empty() ? "" : ", ") + plot;
  }
  std::string script = fmt::format(
      "set title {}\nset xlabel {}\nset ylabel {}\n"
      "set border 3 lc rgb '#333333'\nset tics nomirror\nset grid lt 1 lw 1 lc rgb '#dddddd'\n"
      "set key outside right top Left reverse samplen 2\nset bars small\n",
      gnuplot_quoted(chart.title), gnuplot_quoted(chart.x_label), gnuplot_quoted(chart.y_label));
  // Ranges grow to the data's and on to the next tic.
  script += fmt::format("set xrange [*<{:.9g}:{:.9g}<*]\n", x.low, x.high);
  script += chart.y_names.empty()
                ? fmt::format("set ytics autofreq\nset yrange [*<{:.9g}:{:.9g}<*]\n", y.low, y.high)
                : fmt::format("{}set yrange [{}:-0.5]\n", y_tics(chart),
                              static_cast<double>(chart.y_names.size()) - 0.5);
  // gnuplot draws no axes without a curve: one out of sight.
  if (plots.empty()) plots = "[0:1] [0:1] 2 notitle";
  return data + script + "plot " + plots + "\n";
}

}  // namespace

std::string charts_svg(const std::string& name, const std::vector<Chart>& charts) {
  int height = 0;
  std::string titles;
  for (const Chart& chart : charts) {
    const auto names = static_cast<int>(chart.y_names.size());
    height += names > 0 ? 90 + kNameHeight * names : kHeight;
    titles += (titles.empty() ? "" : "; ") + chart.title;
  }
  std::string script = fmt::format("set multiplot layout {},1\n", charts.size());
  for (const Chart& chart : charts) script += chart_script(chart);
  return draw_svg({name, titles, 720, height, script + "unset multiplot\n"});
}

}  // namespace serendip
