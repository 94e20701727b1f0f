// The whole chain for a few held-out users: history → context → novel interest → items.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/recipe.h"

namespace serendip {

// For the first users of the test split whose table row holds a label new to them. Writes
// recommendations.json in the run folder and returns the same: {"users": [{"user", "history",
// "context", "interest", "items"}]}. Throws Error when the artifacts do not fit one another.
nlohmann::json recommend_users(const Recipe& recipe);

// The same for people to read.
std::string recommendations_text(const nlohmann::json& recommendations);

}  // namespace serendip
