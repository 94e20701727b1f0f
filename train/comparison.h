// Models beside each other on the same transitions, as rows of JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "train/measure.h"

namespace serendip {

// {"model", "recall_at_1", "recall_at_1_se", …_5, …_10, "nll", "nll_se"}, standard errors clustered
// by user.
nlohmann::json comparison_row(const std::string& name, const TransitionScores& scores,
                              const std::vector<int32_t>& user);

// {"mean", "se"} of a - b.
nlohmann::json difference(const std::vector<double>& a, const std::vector<double>& b,
                          const std::vector<int32_t>& user);

}  // namespace serendip
