// A table of numbers as colours, drawn by gnuplot as SVG.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace serendip {

struct HeatMap {
  std::string title, x_label, y_label, value_label;
  std::vector<std::string> x_names = {}, y_names = {};  // [columns], [rows], the first on top
  std::vector<double> values = {};                      // [rows, columns]; NaN: white
  // From white to blue; else from orange through white, which stands for 0, to blue.
  bool sequential = true;
  // Two lines to be written into each cell, which is then wide enough for them; empty: none.
  std::vector<std::pair<std::string, std::string>> texts = {};  // [rows, columns]
};

// `name`: see Picture.
std::string heat_map_svg(const std::string& name, const HeatMap& map);

}  // namespace serendip
