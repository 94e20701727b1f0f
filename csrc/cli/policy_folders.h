// The policies that a command sets beside the run's own.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace serendip {

// Adds --with FOLDER.
void add_policy_folders(CLI::App& command, std::vector<std::string>& folders);

// Throws Error where there is no such folder.
void check_policy_folder(const std::string& folder);

}  // namespace serendip
