// Training the policy that a recipe names.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "recsys/recommend_inputs.h"
#include "recsys/training_loop.h"

namespace serendip {

// The options' policy from the training events, saved in `folder`. A bandit's sequence model is
// trained first; the bandit then reads the log in the order of time. Returns {"epochs",
// "best_epoch", "validation_ndcg_at_10", "parameters"} of a model, {"events_replayed"} besides of a
// bandit, {} where nothing is learnt.
nlohmann::json train_policy(const RecommendOptions& options, const RecommendInputs& inputs,
                            const std::filesystem::path& folder,
                            const std::function<void(const EpochReport&)>& report);

}  // namespace serendip
