#include "cli/command.h"

namespace serendip {

StageSpec generate_stage() {
  return {
      "generate",
      "generate",
      "Find the k best labels of every context: table.h5",
      {"model", "generate"},
      [](const Recipe& recipe) {
        const std::filesystem::path folder = recipe.folder();
        return StagePaths{present({recipe.model.path, recipe.tree(), folder / "sft" / "best"}),
                          {recipe.table()}};
      },
      [](const Recipe& recipe) { return generate(recipe.model, recipe.generate, recipe.folder()); },
      /*on_several_processes=*/true};
}

void add_generate(CLI::App& app) { add_stage_command(app, "generate", generate_stage()); }

}  // namespace serendip
