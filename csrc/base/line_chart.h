// Line charts as SVG, for people who would rather look than read a table.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace serendip {

struct ChartSeries {
  std::string name;
  std::vector<std::pair<double, double>> points;  // (x, y), by x
  bool dashed = false;                            // a reference rather than a measurement
};

struct LineChart {
  std::string title, x_label, y_label;
  std::vector<ChartSeries> series;
  std::vector<double> y_shown = {};  // values that the vertical axis reaches at least
  bool lowest_is_best = false;
};

// The charts one below the other, with axes, grid and legend; a mark on the best point of every
// series that is not dashed, the highest or the lowest. Values that are not finite are left out.
std::string charts_svg(const std::vector<LineChart>& charts);

}  // namespace serendip
