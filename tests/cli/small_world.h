// A small invented world for whole runs: 12 topics of 12 items, 150 users who move from topic to
// topic.
#pragma once

#include <filesystem>
#include <string>

namespace serendip {

// Writes events.csv, items.csv and recipe.yaml (run folder "run", 8 clusters, few steps) into the
// folder. `model` may be empty; the LLM stages then fail.
void write_small_world(const std::filesystem::path& folder, const std::filesystem::path& model);

}  // namespace serendip
