// Charts of curves and of points with intervals, drawn by gnuplot as SVG.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace serendip {

struct ChartPoint {
  double x, y;
  double y_low = NAN, y_high = NAN;  // an interval of y; NaN: none
  double x_low = NAN, x_high = NAN;
};

struct ChartSeries {
  enum class Style {
    kMeasured,   // a line, with a mark on its best point
    kLine,       // a line, its intervals a band
    kReference,  // a dashed line
    kPoints      // marks alone
  };
  std::string name;
  std::vector<ChartPoint> points = {};  // by x
  Style style = Style::kMeasured;
};

struct Chart {
  std::string title, x_label, y_label;
  std::vector<ChartSeries> series = {};
  std::vector<double> y_shown = {}, x_shown = {};  // values that an axis reaches at least
  bool lowest_is_best = false;
  std::vector<std::string> y_names = {};  // in place of numbers at y = 0, 1, …, the first on top
};

// The charts one below the other, with axes, grid and legend. `name`: see Picture. Points that are
// not finite are left out. Throws as draw_svg does.
std::string charts_svg(const std::string& name, const std::vector<Chart>& charts);

}  // namespace serendip
