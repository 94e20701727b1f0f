// The paper's Figure 4(a) on a fine-tuning run: match rate and recall by step.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/chart.h"

namespace serendip {

// Match rate, recall@10 and likelihood. `evaluations`: as StepEvaluation::flat has them, each with
// its "step"; `baselines` as StepEvaluator gives them, or an empty object. Shares have their 95%
// interval (Wilson 1927), which takes contexts and transitions as independent.
std::vector<Chart> learning_curve(const std::vector<nlohmann::json>& evaluations,
                                  const nlohmann::json& baselines);

// The same as an SVG file; without gnuplot a warning instead: fine-tuning goes on.
void save_learning_curve(const std::vector<nlohmann::json>& evaluations,
                         const nlohmann::json& baselines, const std::filesystem::path& path);

}  // namespace serendip
