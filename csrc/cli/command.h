// What sub-commands share: the recipe arguments, their help, and printing a result.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/stages.h"

namespace serendip {

struct RecipeArguments {
  std::string recipe;
  std::vector<std::string> overrides;
  bool json = false;

  // Parses the recipe, then sets the number of threads.
  std::unique_ptr<Recipe> load() const;
};

// Adds --recipe, --json and key=value; --help then lists the keys of `sections`.
std::shared_ptr<RecipeArguments> add_recipe_arguments(CLI::App& command,
                                                      std::vector<std::string> sections);

// A sub-command that executes one stage and prints its result.
CLI::App& add_stage_command(CLI::App& parent, const std::string& name, const StageSpec& spec);

// To stdout. Throws Error when it cannot be written (a full disk, a closed pipe).
void print(const std::string& text);
// As one JSON document, or as "key  value" lines.
void print_result(const nlohmann::json& result, bool json);

// One function a sub-command, each in the file of its name.
void add_simulate(CLI::App& app);
void add_import(CLI::App& app);
void add_pretrain(CLI::App& app);
void add_embed(CLI::App& app);
void add_cluster(CLI::App& app);
void add_curate(CLI::App& app);
void add_sft(CLI::App& app);
void add_eval(CLI::App& app);
void add_generate(CLI::App& app);
void add_recommend(CLI::App& app);
void add_recommend_compare(CLI::App& app);
void add_recommend_explain(CLI::App& app);
void add_recommend_value(CLI::App& app);
void add_report(CLI::App& app);
void add_run(CLI::App& app);
void add_tokenize(CLI::App& app);
void add_score(CLI::App& app);
void add_inspect(CLI::App& app);
void add_table(CLI::App& app);
void add_export(CLI::App& app);
void add_serve(CLI::App& app);

}  // namespace serendip
