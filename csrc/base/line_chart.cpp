#include "base/line_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace serendip {
namespace {

// Okabe and Ito's colours, which most kinds of colour blindness tell apart.
constexpr std::array<const char*, 7> kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                 "#e69f00", "#56b4e9", "#000000"};
constexpr double kWidth = 720, kHeight = 300;  // of a chart
constexpr double kLeft = 64, kRight = 190, kTop = 34, kBottom = 48;
constexpr int kTicks = 5;

struct Range {
  double low = INFINITY, high = -INFINITY;
  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

// 1, 2 or 5 times a power of ten, so that about kTicks of them fill the range.
double tick_step(const Range& range) {
  const double raw = (range.high - range.low) / kTicks;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= raw) return factor * power;
  return 10 * power;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

class Drawing {
 public:
  Drawing(const LineChart& chart, double top) : chart_(chart), top_(top) {
    for (const ChartSeries& series : chart.series) {
      for (const auto& [x, y] : series.points) {
        if (!std::isfinite(x) || !std::isfinite(y)) continue;
        x_.include(x);
        y_.include(y);
      }
    }
    if (x_.empty()) x_ = y_ = {0, 1};
    for (const double y : chart.y_shown) y_.include(y);
    if (y_.low > 0 && y_.low < 0.5 * y_.high) y_.low = 0;
    for (Range* range : {&x_, &y_})
      if (range->low == range->high) ++range->high;
    const double step = tick_step(y_);
    y_ = {std::floor(y_.low / step + 1e-9) * step, std::ceil(y_.high / step - 1e-9) * step};
  }

  std::string svg() const {
    std::string out = text(kWidth / 2 - 60, top_ + 18, "middle", chart_.title, "bold 14px");
    draw_axes(out);
    for (size_t i = 0; i < chart_.series.size(); ++i) draw_series(i, out);
    return out;
  }

 private:
  double at_x(double x) const {
    return kLeft + (x - x_.low) / (x_.high - x_.low) * (kWidth - kLeft - kRight);
  }
  double at_y(double y) const {
    const double height = kHeight - kTop - kBottom;
    return top_ + kTop + height - (y - y_.low) / (y_.high - y_.low) * height;
  }
  static std::string text(double x, double y, const char* anchor, const std::string& content,
                          const char* font = "12px") {
    return fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" style=\"font:{} "
        "sans-serif\">{}</text>\n",
        x, y, anchor, font, escaped(content));
  }
  static std::string line(double x1, double y1, double x2, double y2, const char* colour) {
    return fmt::format("<path d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\" stroke=\"{}\"/>\n", x1, y1, x2, y2,
                       colour);
  }

  void draw_axes(std::string& out) const {
    const double left = kLeft, right = kWidth - kRight, bottom = at_y(y_.low);
    const double x_step = tick_step(x_), y_step = tick_step(y_);
    for (double y = std::ceil(y_.low / y_step) * y_step; y <= y_.high + 1e-9; y += y_step) {
      out += line(left, at_y(y), right, at_y(y), "#dddddd");
      out += text(left - 6, at_y(y) + 4, "end", fmt::format("{:.4g}", std::abs(y) < 1e-12 ? 0 : y));
    }
    for (double x = std::ceil(x_.low / x_step) * x_step; x <= x_.high + 1e-9; x += x_step) {
      out += line(at_x(x), bottom, at_x(x), bottom + 4, "#333333");
      out += text(at_x(x), bottom + 18, "middle", fmt::format("{:.6g}", x));
    }
    out += line(left, bottom, right, bottom, "#333333") +
           line(left, top_ + kTop, left, bottom, "#333333");
    out += text((left + right) / 2, bottom + 36, "middle", chart_.x_label);
    out += fmt::format("<g transform=\"rotate(-90 16 {0:.1f})\">{1}</g>\n", top_ + kHeight / 2,
                       text(16, top_ + kHeight / 2, "middle", chart_.y_label));
  }

  void draw_series(size_t index, std::string& out) const {
    const ChartSeries& series = chart_.series[index];
    const char* colour = kColours[index % kColours.size()];
    const char* dash = series.dashed ? " stroke-dasharray=\"5 4\"" : "";
    std::string path;
    const std::pair<double, double>* best = nullptr;
    const double sign = chart_.lowest_is_best ? -1 : 1;
    for (const auto& point : series.points) {
      if (!std::isfinite(point.first) || !std::isfinite(point.second)) continue;
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? 'M' : 'L', at_x(point.first),
                          at_y(point.second));
      if (best == nullptr || sign * point.second > sign * best->second) best = &point;
    }
    if (best == nullptr) return;
    out += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"{}/>\n", path,
                       colour, dash);
    if (!series.dashed)
      out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"/>\n",
                         at_x(best->first), at_y(best->second), colour);
    const double x = kWidth - kRight + 14, y = top_ + kTop + 10 + 20 * static_cast<double>(index);
    out += fmt::format("<path d=\"M{:.1f} {:.1f}h22\" stroke=\"{}\" stroke-width=\"2\"{}/>\n", x, y,
                       colour, dash);
    out += text(x + 28, y + 4, "start", series.name);
  }

  const LineChart& chart_;
  double top_;
  Range x_, y_;
};

}  // namespace

std::string charts_svg(const std::vector<LineChart>& charts) {
  const double height = kHeight * static_cast<double>(charts.size());
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
      kWidth, height);
  for (size_t i = 0; i < charts.size(); ++i)
    out += Drawing(charts[i], kHeight * static_cast<double>(i)).svg();
  return out + "</svg>\n";
}

}  // namespace serendip
