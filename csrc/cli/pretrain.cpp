#include "cli/command.h"

namespace serendip {

StageSpec pretrain_stage() {
  return {"pretrain",
          "pretrain",
          "Train a small Llama from scratch on the items' text: base_model",
          {"pretrain"},
          [](const Recipe& recipe) {
            return StagePaths{{recipe.data()}, {recipe.base_model()}};
          },
          [](const Recipe& recipe) {
            return pretrain(recipe.pretrain, recipe.data(), recipe.folder());
          },
          /*on_several_processes=*/false,
          [](const Recipe& recipe) { return recipe.pretrain.steps > 0; }};
}

void add_pretrain(CLI::App& app) { add_stage_command(app, "pretrain", pretrain_stage()); }

}  // namespace serendip
