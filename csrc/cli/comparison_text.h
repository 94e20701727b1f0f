// Models beside each other, with standard errors, as a terminal shows them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace serendip {

// "0.0312 ± 0.0060"; the error is left out where there is none, "-" stands for no number.
std::string with_error(const nlohmann::json& mean, const nlohmann::json& error);

// A line a row of train/comparison.h's kind, in their order, below a heading.
std::string comparison_text(const nlohmann::json& rows);

}  // namespace serendip
