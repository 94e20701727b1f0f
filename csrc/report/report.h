// A run's page: report.html, one file that needs nothing but a browser.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace serendip {

// Writes folder/report.html from what the folder holds; `stages` are those of a run, in order. The
// same bytes for the same artifacts. Returns {"page" (its path), "bytes", "sections", "missing" (of
// these, without their artifacts)}. Throws Error naming a damaged artifact, or gnuplot's package
// where that is missing.
nlohmann::json write_report(const std::filesystem::path& folder,
                            const std::vector<std::string>& stages);

}  // namespace serendip
