// The folder of an experiment: worlds/N.json, one a world lived through, then results.json and
// summary.txt.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "simulator/experiment.h"

namespace serendip {

// What an experiment depends on: the recipe sections that it reads, "section.key: value" a line,
// and the hashes of its tables. Throws Error for a table that is missing.
std::string experiment_recipe(const ExperimentSettings& settings);

class JobFiles {
 public:
  // Throws Error where `folder` holds worlds of another recipe.
  JobFiles(std::filesystem::path folder, const ExperimentSettings& settings);

  bool has(size_t job) const;
  // Whole or not at all; from any thread.
  void save(size_t job, const nlohmann::json& result) const;
  // Throws Error naming the file where it is damaged.
  nlohmann::json load(size_t job) const;
  void save_results(const nlohmann::json& results, const std::string& summary) const;

 private:
  std::filesystem::path path(size_t job) const;

  std::filesystem::path folder_;
  std::string recipe_hash_;
};

}  // namespace serendip
