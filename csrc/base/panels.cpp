#include "base/panels.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/chart_parts.h"
#include "base/gnuplot.h"

namespace serendip {
namespace {

constexpr size_t kARow = 3;
constexpr int kHeight = 132;
constexpr int kTop = 62, kBottom = 56, kLeft = 74, kRight = 12;  // pixels

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
             "noborder notitle, 0 with lines lc rgb '#333333' lw 1 dt 2 notitle, "
             "$panel using 1:2 with lines lw 2 lc rgb '{}' notitle\n",
             gnuplot_quoted(series.name), lowest ? "%g" : "", leftmost ? "%g" : "",
             kChartColours[0], kChartColours[0]);
}

}  // namespace

std::string panels_svg(const std::string& name, const Chart& chart) {
  const size_t panels = chart.series.size();
  const size_t rows = std::max<size_t>(1, (panels + kARow - 1) / kARow);
  const int height = kTop + kHeight * static_cast<int>(rows) + kBottom;
  const auto across = [](int pixels) { return static_cast<double>(pixels) / kChartWidth; };
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
      across((kLeft + kChartWidth - kRight) / 2), up(14), gnuplot_quoted(chart.y_label), across(16),
      rows, kARow, across(kLeft), 1 - across(kRight), up(kBottom), 1 - up(kTop), across(18), up(38),
      range_text(x, chart.x_shown), range_text(y, chart.y_shown), tic_step(y, chart.y_shown));
  for (size_t at = 0; at < panels; ++at) {
    script += panel_script(chart.series[at], at % kARow == 0, at + kARow >= panels);
    if (at == 0) script += "unset label\n";
  }
  // gnuplot draws nothing without a plot: one out of sight.
  if (panels == 0) script += "plot [0:1] [0:1] 2\n";
  return draw_svg({name, chart.title, kChartWidth, height, script + "unset multiplot\n"});
}

}  // namespace serendip
