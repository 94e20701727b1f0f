// `serendip simulate world`: an invented log, its catalogue, and the truth behind both.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "simulator/options.h"

namespace serendip {

// Fills `folder` with the files of world_files.h, whole or not at all, and returns {"users",
// "active_users", "items", "topics", "related_pairs", "hidden_pairs", "events", "liked",
// "own_choices" (shares of the events), "interactions_per_second"}. Equal options give equal files
// on any number of threads. Throws Error where make_world does, and when the disk refuses.
nlohmann::json simulate_world(const WorldOptions& options, const std::filesystem::path& folder);

}  // namespace serendip
