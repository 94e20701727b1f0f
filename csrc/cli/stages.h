// The stages of a run: what each reads, writes and does. Single commands and `serendip run` share
// them.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/manifest.h"
#include "cli/recipe.h"

namespace serendip {

struct StagePaths {
  std::vector<std::filesystem::path> inputs, outputs;
};

struct StageSpec {
  std::string name;                   // also the manifest's
  std::string command;                // "import", "recommend train", …
  std::string summary;                // one line for --help
  std::vector<std::string> sections;  // of the recipe, whose change makes the stage run again
  std::function<StagePaths(const Recipe&)> paths;
  std::function<nlohmann::json(const Recipe&)> work;
  bool on_several_processes = false;  // they then share the work
  // Whether the recipe wants it in a `run`; empty: always.
  std::function<bool(const Recipe&)> wanted = {};
};

// Each defined beside its sub-command.
StageSpec world_stage();
StageSpec experiment_stage();  // no part of a `run`
StageSpec import_stage();
StageSpec pretrain_stage();
StageSpec embed_stage();
StageSpec cluster_stage();
StageSpec curate_stage();
StageSpec sft_stage();
StageSpec eval_stage();
StageSpec generate_stage();
StageSpec recommend_train_stage();
StageSpec recommend_eval_stage();
StageSpec recommend_users_stage();
StageSpec report_stage();

// In the order in which `run` does them.
std::vector<StageSpec> all_stages();
// Those that the recipe wants.
std::vector<StageSpec> wanted_stages(const Recipe& recipe);

// Runs the stage unless nothing it depends on has changed. Throws Error naming a missing input and
// the command that makes it, or several processes where the stage knows one alone.
StageOutcome execute(const StageSpec& spec, const Recipe& recipe);

// Drops empty paths: inputs that a recipe leaves out.
std::vector<std::filesystem::path> present(std::vector<std::filesystem::path> paths);

}  // namespace serendip
