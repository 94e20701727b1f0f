#include "cli/command.h"

namespace serendip {

StageSpec curate_stage() {
  return {"curate",
          "curate",
          "Mine novel transitions: balanced, random, dev and test sets",
          {"curate"},
          [](const Recipe& recipe) {
            const std::filesystem::path folder = recipe.folder();
            return StagePaths{
                {recipe.data(), recipe.tree()},
                {folder / "transitions.h5", folder / "sft_balanced.jsonl",
                 folder / "sft_random.jsonl", folder / "dev.jsonl", folder / "test.jsonl"}};
          },
          [](const Recipe& recipe) {
            return curate(recipe.curate, recipe.data(), recipe.tree(), recipe.folder());
          }};
}

void add_curate(CLI::App& app) { add_stage_command(app, "curate", curate_stage()); }

}  // namespace serendip
