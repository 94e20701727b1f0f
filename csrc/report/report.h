// A run's page: report.html, one file that needs nothing but a browser.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/options.h"

namespace serendip {

// Recipe section "report".
struct ReportOptions {
  std::string random_table;
  void declare(OptionSet& set);
};

// Writes folder/report.html from what the folder holds; `stages` are those of a run, in order. The
// same bytes for the same artifacts. Returns {"page" (its path), "bytes", "sections", "missing" (of
// these, without their artifacts)}. Throws Error naming a damaged artifact, or gnuplot's package
// where that is missing.
nlohmann::json write_report(const std::filesystem::path& folder,
                            const std::vector<std::string>& stages, const ReportOptions& options);

}  // namespace serendip
