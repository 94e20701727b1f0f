// The final evaluation of checkpoints on users that no training saw, beside simple models.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "infer/model_options.h"
#include "train/eval_options.h"

namespace serendip {

// Checkpoints: sft/best when the list is empty. Writes run_folder/eval.json and returns its
// content:
// {"match_rate", "match_rate_contexts", "checkpoints": [{"name", "match_rate"}],
//  "comparison": [{"model", "recall_at_1", "recall_at_1_se", …_5, …_10, "nll", "nll_se"}],
//  "differences": {"nll_untuned_minus_tuned": {"mean", "se"}, "recall_at_10_minus_chance": {…}},
//  "test_transitions", "test_users"}, standard errors clustered by user.
nlohmann::json evaluate(const ModelOptions& model, const EvalOptions& options,
                        const std::filesystem::path& run_folder,
                        const std::vector<std::filesystem::path>& checkpoints);

}  // namespace serendip
