// What all kinds of charts are made of, as gnuplot's commands.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/chart.h"

namespace serendip {

// Okabe and Ito's colours, which most kinds of colour blindness tell apart; marks and dashes differ
// as well.
constexpr std::array<const char*, 8> kChartColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                      "#b07800", "#2a8fc4", "#000000", "#7a7a7a"};
constexpr int kChartWidth = 820;  // pixels

struct Range {
  double low = INFINITY, high = -INFINITY;
  void include(double value);  // nothing where it is not finite
};

struct Ranges {
  Range x, y;
};

std::vector<ChartPoint> finite_points(const ChartSeries& series);
// Of all finite points, intervals included.
Ranges ranges_of(const Chart& chart);

// The range of an axis: its ends are those of `shown` where no value lies beyond them, else the
// tic next to the outermost value.
std::string range_text(const Range& values, const std::vector<double>& shown);

// The points as data of that name, in the columns x, y, y_low, y_high, x_low, x_high.
std::string data_block(const std::string& name, const std::vector<ChartPoint>& points);

}  // namespace serendip
