#include "cli/command.h"
#include "simulator/simulate_world.h"
#include "simulator/world_files.h"

namespace serendip {

StageSpec world_stage() {
  return {"world",
          "simulate world",
          "Invent users, items and their log: world/",
          {"world"},
          [](const Recipe& recipe) {
            StagePaths paths;
            for (const char* name : {kWorldEvents, kWorldItems, kWorldTruth})
              paths.outputs.push_back(recipe.world_folder() / name);
            if (recipe.world.dimensions > 0)
              paths.outputs.push_back(recipe.world_folder() / kWorldVectors);
            return paths;
          },
          [](const Recipe& recipe) { return simulate_world(recipe.world, recipe.world_folder()); },
          /*on_several_processes=*/false,
          [](const Recipe& recipe) { return recipe.imports_its_world(); }};
}

void add_simulate(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("simulate", "Invent a world with a log of its own");
  command.require_subcommand(1);
  add_stage_command(command, "world", world_stage());
}

}  // namespace serendip
