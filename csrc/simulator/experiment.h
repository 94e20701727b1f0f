// `serendip simulate experiment`: the same users in arms that show them different things, over many
// worlds, and what of it is sure. docs/simulator.md describes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "clusters/cluster.h"
#include "recsys/train.h"
#include "simulator/arms.h"
#include "simulator/interests.h"
#include "simulator/options.h"
#include "transitions/curate.h"

namespace serendip {

// Opens a pair table for clusters of these descriptions. Throws Error where it does not fit.
using TableReader = std::function<LabelsOf(const std::filesystem::path& path,
                                           const std::vector<std::string>& descriptions)>;

struct ExperimentSettings {
  WorldOptions world;
  ClusterOptions cluster;
  CurateOptions curate;
  RecommendOptions recommend;
  ExperimentOptions experiment;
  TableReader read_table;
};

// A world to be lived through: those of the recipe ("main"), those of the grid of accuracy and
// gamma ("grid"), and those where nothing tires and all interests are known ("known").
struct ExperimentJob {
  std::string part;
  WorldOptions world;
  std::vector<ArmSpec> arms;
};
std::vector<ExperimentJob> experiment_jobs(const ExperimentSettings& settings);

// {"part", "seed", "gamma", "users", "clusters", "seconds", "interactions", "arms": {name:
// outcomes_to_json}}. The same on any number of threads, "seconds" aside.
nlohmann::json run_job(const ExperimentSettings& settings, const ExperimentJob& job);

// Runs the jobs whose file is not in `folder`/worlds yet, as many at a time as LibTorch has
// threads, and writes results.json and summary.txt from all of them. Returns {"worlds",
// "users_a_world", "arms", "claims": {name: verdict}, "interactions_per_second", …}. Throws Error
// for arms that cannot be, worlds that cannot be, and for a folder that another recipe has begun.
nlohmann::json run_experiment(const ExperimentSettings& settings,
                              const std::filesystem::path& folder);

}  // namespace serendip
