#include "base/check.h"
#include "cli/command.h"
#include "clusters/assign.h"

namespace serendip {
namespace {

StagePaths cluster_paths(const Recipe& recipe) {
  StagePaths paths{{recipe.data(), recipe.embedding()}, {recipe.tree()}};
  const std::filesystem::path previous = recipe.cluster.previous;
  if (previous.empty()) return paths;
  SERENDIP_CHECK(previous.lexically_normal() != recipe.folder().lexically_normal(),
                 "cluster.previous is {}, the run folder itself; expected an earlier one",
                 previous.string());
  paths.inputs.push_back(previous / "data.h5");
  paths.inputs.push_back(previous / "tree.h5");
  return paths;
}

StageSpec assign_stage() {
  return {"cluster_assign",
          "cluster assign",
          "Put later items into an earlier run's tree: tree.h5",
          {"cluster"},
          cluster_paths,
          [](const Recipe& recipe) {
            SERENDIP_CHECK(!recipe.cluster.previous.empty(),
                           "cluster assign: cluster.previous is not set; name the run folder whose "
                           "tree the items shall join");
            return assign_to_tree(recipe.cluster, recipe.data(), recipe.tree());
          }};
}

}  // namespace

StageSpec cluster_stage() {
  return {"cluster",
          "cluster",
          "Partition the items into four nested balanced levels: tree.h5",
          {"cluster"},
          cluster_paths,
          [](const Recipe& recipe) {
            return cluster_items(recipe.cluster, recipe.data(), recipe.tree());
          }};
}

void add_cluster(CLI::App& app) {
  CLI::App& command = add_stage_command(app, "cluster", cluster_stage());
  add_stage_command(command, "assign", assign_stage());
}

}  // namespace serendip
