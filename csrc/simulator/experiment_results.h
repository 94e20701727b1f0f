// The figures and claims of an experiment, from the outcomes of its worlds.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "simulator/experiment.h"

namespace serendip {

// results.json, which docs/simulator.md describes, from run_job's objects in the order of the jobs.
nlohmann::json experiment_results(const ExperimentSettings& settings,
                                  const std::vector<nlohmann::json>& worlds);

// The same as tables that people read.
std::string experiment_summary(const nlohmann::json& results);

// What the command prints: the sizes, the verdicts and the rate.
nlohmann::json experiment_figures(const nlohmann::json& results);

}  // namespace serendip
