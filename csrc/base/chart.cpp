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
constexpr int kWidth = 820, kHeight = 300;
constexpr int kNameHeight = 26, kLegendHeight = 19;  // of one of its y_names, of a series

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

// The range of an axis: its ends are those of `shown` where no value lies beyond them, else the
// tic next to the outermost value.
std::string range_text(const Range& values, const std::vector<double>& shown) {
  Range all = values;
  for (const double value : shown) all.include(value);
  if (all.low > all.high) all = {0, 1};
  const bool constant = all.low == all.high;
  const auto told = [&](double end) {
    return !constant && std::find(shown.begin(), shown.end(), end) != shown.end();
  };
  if (all.low > 0 && all.low < 0.5 * all.high) all.low = 0;
  if (constant) ++all.high;
  return fmt::format("[{}{:.9g}:{:.9g}{}]", told(all.low) ? "" : "*<", all.low, all.high,
                     told(all.high) ? "" : "<*");
}

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
                                      kColours[index % kColours.size()], title));
  };
  const double from_middle =
      static_cast<double>(index) - static_cast<double>(chart.series.size() - 1) / 2;
  const double aside = series.style == Style::kMeasured ? 0.006 * width * from_middle : 0;
  for (const std::string& how : interval_plots(series, aside)) plot(name, how, "notitle");
  // Past the last colour they start again, with other marks and dashes.
  const size_t round = index / kColours.size();
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

constexpr size_t kPanelsARow = 3;
constexpr int kPanelHeight = 132;
constexpr int kPanelsTop = 62, kPanelsBottom = 56, kPanelsLeft = 74, kPanelsRight = 12;  // pixels

// The distance of some four tics: 1, 2 or 5 times a power of ten.
double tic_step(Range values, const std::vector<double>& shown) {
  for (const double value : shown) values.include(value);
  if (!(values.low < values.high)) return 1;
  const double least = (values.high - values.low) / 4;
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double digit : {1.0, 2.0, 5.0})
    if (digit * power >= least) return digit * power;
  return 10 * power;
}

// `leftmost`, `lowest`: the panel has the axis' numbers.
std::string panel_script(const ChartSeries& series, bool leftmost, bool lowest) {
  const std::string data = data_block("panel", finite_points(series));
  return data +
         fmt::format(
             "set title {} offset 0,-0.6\nset format x '{}'\nset format y '{}'\n"
             "plot $panel using 1:3:4 with filledcurves lc rgb '{}' fs transparent solid 0.3 "
             "noborder, 0 with lines lc rgb '#333333' lw 1 dt 2, "
             "$panel using 1:2 with lines lw 2 lc rgb '{}'\n",
             gnuplot_quoted(series.name), lowest ? "%g" : "", leftmost ? "%g" : "", kColours[0],
             kColours[0]);
}

}  // namespace

std::string panels_svg(const std::string& name, const Chart& chart) {
  const size_t panels = chart.series.size();
  const size_t rows = std::max<size_t>(1, (panels + kPanelsARow - 1) / kPanelsARow);
  const int height = kPanelsTop + kPanelHeight * static_cast<int>(rows) + kPanelsBottom;
  const auto across = [](int pixels) { return static_cast<double>(pixels) / kWidth; };
  const auto up = [&](int pixels) { return static_cast<double>(pixels) / height; };
  const auto [x, y] = ranges_of(chart);
  std::string script = fmt::format(
      "set label 1 {} at screen 0.5,{:.5f} center font ',15'\n"
      "set label 2 {} at screen {:.5f},{:.5f} center\n"
      "set label 3 {} at screen {:.5f},0.5 center rotate by 90\n"
      "set multiplot layout {},{} margins screen {:.5f},{:.5f},{:.5f},{:.5f} "
      "spacing screen {:.5f},{:.5f}\n"
      "unset key\nset border 3 lc rgb '#333333'\nset tics nomirror\n"
      "set grid lt 1 lw 1 lc rgb '#dddddd'\nset xrange {}\nset yrange {}\nset ytics {:.6g}\n",
      gnuplot_quoted(chart.title), 1 - up(14), gnuplot_quoted(chart.x_label),
      across((kPanelsLeft + kWidth - kPanelsRight) / 2), up(14), gnuplot_quoted(chart.y_label),
      across(16), rows, kPanelsARow, across(kPanelsLeft), 1 - across(kPanelsRight),
      up(kPanelsBottom), 1 - up(kPanelsTop), across(18), up(38), range_text(x, chart.x_shown),
      range_text(y, chart.y_shown), tic_step(y, chart.y_shown));
  for (size_t at = 0; at < panels; ++at) {
    script += panel_script(chart.series[at], at % kPanelsARow == 0, at + kPanelsARow >= panels);
    if (at == 0) script += "unset label\n";
  }
  // gnuplot draws nothing without a plot: one out of sight.
  if (panels == 0) script += "plot [0:1] [0:1] 2\n";
  return draw_svg({name, chart.title, kWidth, height, script + "unset multiplot\n"});
}

std::string charts_svg(const std::string& name, const std::vector<Chart>& charts) {
  int tallest = 0;  // of a layout, all are as tall
  std::string titles;
  for (const Chart& chart : charts) {
    tallest = std::max(tallest, height_of(chart));
    titles += (titles.empty() ? "" : "; ") + chart.title;
  }
  std::string script = fmt::format("set multiplot layout {},1\n", charts.size());
  for (const Chart& chart : charts) script += chart_script(chart);
  return draw_svg({name, titles, kWidth, tallest * static_cast<int>(charts.size()),
                   script + "unset multiplot\n"});
}

}  // namespace serendip
