#include "cli/command.h"

namespace serendip {

StageSpec cluster_stage() {
  return {"cluster",
          "cluster",
          "Partition the items into four nested balanced levels: tree.h5",
          {"cluster"},
          [](const Recipe& recipe) {
            return StagePaths{{recipe.data(), recipe.embedding()}, {recipe.tree()}};
          },
          [](const Recipe& recipe) {
            return cluster_items(recipe.cluster, recipe.data(), recipe.tree());
          }};
}

void add_cluster(CLI::App& app) { add_stage_command(app, "cluster", cluster_stage()); }

}  // namespace serendip
