// The paper's Figure 4(a) on a fine-tuning run: match rate and recall by step.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "train/step_evaluation.h"

namespace serendip {

// An SVG of match rate, recall@10 and likelihood; `baselines` as StepEvaluator gives them.
void save_learning_curve(const std::vector<StepEvaluation>& evaluations,
                         const nlohmann::json& baselines, const std::filesystem::path& path);

}  // namespace serendip
