#include "report/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/gnuplot.h"

namespace serendip {
namespace {

constexpr const char* kSequential =
    "set palette defined (0 '#ffffff', 1 '#c6dbef', 2 '#6baed6', 3 '#2171b5', 4 '#08306b')\n";
constexpr const char* kDiverging = "set palette defined (-1 '#e08a3c', 0 '#ffffff', 1 '#5b9bd5')\n";
constexpr int kWidth = 860, kTop = 40, kRight = 110;  // pixels
constexpr int kCell = 60, kTextCell = 130;            // pixels at most, without and with texts
constexpr size_t kNameBytes = 26;                     // a longer name is cut

// Whole UTF-8 characters.
std::string shortened(const std::string& text) {
  if (text.size() <= kNameBytes) return text;
  size_t end = kNameBytes - 2;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::string tics(const char* axis, const std::vector<std::string>& names, const char* how) {
  std::string list;
  for (size_t i = 0; i < names.size(); ++i)
    list += fmt::format("{}{} {}", i > 0 ? ", " : "", gnuplot_quoted(shortened(names[i])), i);
  return fmt::format("set {}tics ({}) scale 0 {}\n", axis, list, how);
}

// Column, row and the two lines of every cell.
std::string texts_block(const HeatMap& map) {
  const size_t columns = map.x_names.size();
  std::string block = "$texts << END\n";
  for (size_t i = 0; i < map.texts.size(); ++i)
    block += fmt::format("{} {} \"{}\" \"{}\"\n", i % columns, i / columns, map.texts[i].first,
                         map.texts[i].second);
  return block + "END\n";
}

int name_width(const std::vector<std::string>& names) {
  size_t longest = 0;
  for (const std::string& name : names) longest = std::max(longest, shortened(name).size());
  return 6 * static_cast<int>(longest);
}

double largest_magnitude(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values)
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  return largest > 0 ? largest : 1;
}

}  // namespace

std::string heat_map_svg(const std::string& name, const HeatMap& map) {
  const size_t columns = map.x_names.size(), rows = map.y_names.size();
  const double largest = largest_magnitude(map.values);
  std::string data = "$map << END\n";
  for (size_t i = 0; i < map.values.size(); ++i)
    data += fmt::format("{:.6g}{}", map.values[i], (i + 1) % columns == 0 ? "\n" : " ");
  data += "END\n";
  if (!map.texts.empty()) data += texts_block(map);
  const int left = 50 + name_width(map.y_names);  // a margin that holds the names, in pixels
  const int widest = map.texts.empty() ? kCell : kTextCell;
  const int cell = std::clamp((kWidth - left - kRight) / static_cast<int>(columns), 12, widest);
  const bool many = columns > 12, upright = name_width(map.x_names) > cell;
  std::string script = data + (map.sequential ? kSequential : kDiverging);
  script += fmt::format(
      "set title {}\nset cblabel {}\nunset key\n"
      "set xrange [-0.5:{}.5]\nset yrange [{}.5:-0.5]\nset cbrange [{:.6g}:{:.6g}]\n",
      gnuplot_quoted(map.title), gnuplot_quoted(map.value_label), columns - 1, rows - 1,
      map.sequential ? 0 : -largest, largest);
  script += tics("x", map.x_names, upright ? "rotate by 90 right font ',10'" : "");
  script += tics("y", map.y_names, many ? "font ',10'" : "");
  script += "plot $map matrix with image notitle";
  if (!map.texts.empty())
    script +=
        ", $texts using 1:2:3 with labels offset 0,0.5 font ',13' notitle, "
        "$texts using 1:2:4 with labels offset 0,-0.6 font ',11' notitle";
  const int bottom = 50 + (upright ? name_width(map.x_names) : 20);
  const int width = cell * static_cast<int>(columns);
  const int height = kTop + std::min(cell, kCell) * static_cast<int>(rows) + bottom;
  const auto at = [](int pixels, int of) { return static_cast<double>(pixels) / of; };
  return draw_svg(
      {name, map.title, kWidth, height,
       fmt::format("set lmargin at screen {:.5f}\nset rmargin at screen {:.5f}\n"
                   "set tmargin at screen {:.5f}\nset bmargin at screen {:.5f}\n"
                   "set label 1 {} at screen {:.5f},{:.5f} center\n"
                   "set label 2 {} at screen {:.5f},{:.5f} center rotate by 90\n",
                   at(left, kWidth), at(left + width, kWidth), 1 - at(kTop, height),
                   at(bottom, height), gnuplot_quoted(map.x_label), at(left + width / 2, kWidth),
                   at(14, height), gnuplot_quoted(map.y_label), at(14, kWidth),
                   at(bottom + (height - kTop - bottom) / 2, height)) +
           script});
}

}  // namespace serendip
