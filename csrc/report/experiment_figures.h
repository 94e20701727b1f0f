// Figures 4b, 4c, 5 and the phase diagram of an experiment.
#pragma once

#include <string>

#include "report/json_field.h"

namespace serendip {

// HTML of the figures that experiment/results.json has; docs/simulator.md describes the file.
// Throws Error naming file and field where it is damaged.
std::string experiment_figures_html(const JsonField& results);

// "0.12 [-0.03, 0.27]"
std::string effect_text(const JsonField& effect);
// "0.034" or "< 0.001"
std::string p_value_text(const JsonField& p_value);

}  // namespace serendip
