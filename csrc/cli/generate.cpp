#include "cli/command.h"

namespace serendip {

StageSpec generate_stage() {
  return {"generate",
          "generate",
          "Find the k best labels of every context: table.h5",
          {"curate", "model", "generate"},
          [](const Recipe& recipe) {
            const std::string& contexts = recipe.generate.contexts;
            std::filesystem::path source;
            if (contexts == "observed") source = recipe.data();
            if (contexts != "observed" && contexts != "all") source = contexts;
            return StagePaths{present({recipe.model.path, recipe.tree(),
                                       recipe.folder() / "sft" / "best", source}),
                              {recipe.table()}};
          },
          [](const Recipe& recipe) {
            return generate(recipe.model, recipe.generate, recipe.curate.rule(), recipe.folder());
          },
          /*on_several_processes=*/true,
          [](const Recipe& recipe) { return recipe.fine_tunes(); }};
}

void add_generate(CLI::App& app) { add_stage_command(app, "generate", generate_stage()); }

}  // namespace serendip
