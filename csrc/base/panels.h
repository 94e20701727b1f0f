// A chart in panels.
#pragma once

#include <string>

#include "base/chart.h"

namespace serendip {

// One panel a series and all with the same axes, three to a row: for curves whose intervals would
// hide each other. `name`: see Picture. Throws as draw_svg does.
std::string panels_svg(const std::string& name, const Chart& chart);

}  // namespace serendip
