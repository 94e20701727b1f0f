// A recipe: the options of every stage, one YAML section each.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/options.h"
#include "cli/plan_options.h"
#include "clusters/cluster.h"
#include "data/embed.h"
#include "data/import.h"
#include "infer/generate.h"
#include "infer/server/options.h"
#include "recsys/train.h"
#include "simulator/experiment_options.h"
#include "simulator/options.h"
#include "train/pretrain.h"
#include "train/sft.h"
#include "transitions/curate.h"

namespace serendip {

struct RunOptions {
  std::string folder = "runs/serendip";
  int64_t threads = 0;
  void declare(OptionSet& set);
};

// Paths in a recipe are relative to the current directory.
struct Recipe {
  Recipe();
  Recipe(const Recipe&) = delete;  // the sections point into the options
  Recipe& operator=(const Recipe&) = delete;

  RunOptions run;
  WorldOptions world;
  ImportOptions importing;
  EmbedOptions embed;
  ClusterOptions cluster;
  CurateOptions curate;
  PretrainOptions pretrain;
  ModelOptions model;
  SftOptions sft;
  EvalOptions eval;
  GenerateOptions generate;
  RecommendOptions recommend;
  ExperimentOptions experiment;
  server::ServeOptions serve;
  PlanOptions plan;
  std::vector<OptionSet> sections;  // in the order above

  // Fills the options; see load_recipe in base/options.h for what it refuses.
  void load(const std::filesystem::path& path, const std::vector<std::string>& overrides);

  const OptionSet& section(const std::string& name) const;
  // The whole recipe as YAML, every key with its value.
  std::string yaml() const;

  // Whether import reads what the stage `world` of a run makes.
  bool imports_its_world() const;
  // Whether model.path is what the stage `pretrain` of a run makes.
  bool pretrains_its_model() const;

  // Whether a run has a language model at all.
  bool fine_tunes() const { return sft.steps > 0; }

  std::filesystem::path folder() const { return run.folder; }
  std::filesystem::path world_folder() const { return folder() / "world"; }
  std::filesystem::path data() const { return folder() / "data.h5"; }
  std::filesystem::path embedding() const { return folder() / "embedding.h5"; }
  std::filesystem::path base_model() const { return folder() / "base_model"; }
  std::filesystem::path tree() const { return folder() / "tree.h5"; }
  std::filesystem::path table() const { return folder() / "table.h5"; }
  std::filesystem::path recommender() const { return folder() / "recommender"; }
  std::filesystem::path experiment_folder() const { return folder() / "experiment"; }
};

}  // namespace serendip
