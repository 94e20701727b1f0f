#include "base/log.h"
#include "cli/command.h"
#include "distributed/work_leases.h"

namespace serendip {
namespace {

// Several processes share the users; one that is lost costs the others its piece.
nlohmann::json curate_together(const Recipe& recipe, const LaunchInfo& launch) {
  check_can_meet(launch, "curate");
  if (launch.rank > 0) log_warnings_only();
  WorkLeases leases(launch, launch.world_size);
  while (const std::optional<int64_t> piece = leases.next()) {
    curate_piece(recipe.curate, recipe.data(), recipe.tree(), recipe.folder(), *piece,
                 launch.world_size);
    leases.finish(*piece);
  }
  if (launch.rank > 0) return nlohmann::json::object();
  return merge_pieces(recipe.curate, recipe.tree(), recipe.folder(), launch.world_size);
}

}  // namespace

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
            const LaunchInfo launch = launch_info();
            if (launch.world_size > 1) return curate_together(recipe, launch);
            return curate(recipe.curate, recipe.data(), recipe.tree(), recipe.folder());
          },
          /*on_several_processes=*/true};
}

void add_curate(CLI::App& app) { add_stage_command(app, "curate", curate_stage()); }

}  // namespace serendip
