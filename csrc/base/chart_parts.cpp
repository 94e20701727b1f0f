#include "base/chart_parts.h"

#include <fmt/format.h>

#include <algorithm>

namespace serendip {
namespace {

bool is_finite(const ChartPoint& point) { return std::isfinite(point.x) && std::isfinite(point.y); }

}  // namespace

void Range::include(double value) {
  if (!std::isfinite(value)) return;
  low = std::min(low, value);
  high = std::max(high, value);
}

std::vector<ChartPoint> finite_points(const ChartSeries& series) {
  std::vector<ChartPoint> points = series.points;
  std::erase_if(points, [](const ChartPoint& point) { return !is_finite(point); });
  return points;
}

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

std::string data_block(const std::string& name, const std::vector<ChartPoint>& points) {
  std::string text = fmt::format("${} << END\n", name);
  for (const ChartPoint& p : points)
    text += fmt::format("{:.9g} {:.9g} {:.9g} {:.9g} {:.9g} {:.9g}\n", p.x, p.y, p.y_low, p.y_high,
                        p.x_low, p.x_high);
  return text + "END\n";
}

}  // namespace serendip
