#include "base/log.h"
#include "cli/command.h"
#include "distributed/work_leases.h"

namespace serendip {
namespace {

// Several processes share the parts of the event log; the first makes one dataset of them.
nlohmann::json import_together(const Recipe& recipe, const LaunchInfo& launch) {
  check_can_meet(launch, "import");
  WorkLeases leases(launch, count_event_parts(recipe.importing));
  const PartSharing sharing = {[&] { return leases.next(); },
                               [&](int64_t part) { leases.finish(part); },
                               [&] { leases.give_up(); }};
  if (launch.rank == 0) return import_data(recipe.importing, recipe.data(), sharing);
  log_warnings_only();
  read_event_parts(recipe.importing, recipe.data(), sharing);
  return nlohmann::json::object();
}

}  // namespace

StageSpec import_stage() {
  return {
      "import",
      "import",
      "Read events, items and tags (CSV, TSV, Parquet) into data.h5",
      {"import"},
      [](const Recipe& recipe) {
        const ImportOptions& options = recipe.importing;
        return StagePaths{present({options.events, options.items, options.tags}), {recipe.data()}};
      },
      [](const Recipe& recipe) {
        const LaunchInfo launch = launch_info();
        if (launch.world_size > 1) return import_together(recipe, launch);
        return import_data(recipe.importing, recipe.data());
      },
      /*on_several_processes=*/true};
}

void add_import(CLI::App& app) { add_stage_command(app, "import", import_stage()); }

}  // namespace serendip
