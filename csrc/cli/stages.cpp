#include "cli/stages.h"

#include <algorithm>

#include "base/check.h"
#include "base/interrupt.h"
#include "cli/software.h"
#include "distributed/agreement.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

std::string maker_of(const fs::path& path, const Recipe& recipe) {
  for (const StageSpec& spec : all_stages()) {
    const std::vector<fs::path> outputs = spec.paths(recipe).outputs;
    if (std::find(outputs.begin(), outputs.end(), path) != outputs.end())
      return fmt::format("; `serendip {}` makes it", spec.command);
  }
  return {};
}

void check_inputs(const StageSpec& spec, const std::vector<fs::path>& inputs,
                  const Recipe& recipe) {
  const bool needs_model = std::count(spec.sections.begin(), spec.sections.end(), "model") > 0;
  SERENDIP_CHECK(!needs_model || !recipe.model.path.empty(),
                 "{}: model.path is not set; name a Hugging Face model folder", spec.command);
  for (const fs::path& path : inputs)
    SERENDIP_CHECK(fs::exists(path), "{}: no file or folder '{}'{}", spec.command, path.string(),
                   maker_of(path, recipe));
}

}  // namespace

std::vector<StageSpec> all_stages() {
  return {world_stage(),
          import_stage(),
          pretrain_stage(),
          embed_stage(),
          cluster_stage(),
          curate_stage(),
          sft_stage(),
          eval_stage(),
          generate_stage(),
          recommend_train_stage(),
          recommend_eval_stage(),
          recommend_users_stage(),
          report_stage()};
}

std::vector<StageSpec> wanted_stages(const Recipe& recipe) {
  std::vector<StageSpec> stages = all_stages();
  std::erase_if(stages, [&](const StageSpec& spec) { return spec.wanted && !spec.wanted(recipe); });
  return stages;
}

StageOutcome execute(const StageSpec& spec, const Recipe& recipe) {
  throw_if_interrupted();
  StagePaths paths = spec.paths(recipe);
  check_inputs(spec, paths.inputs, recipe);
  const LaunchInfo launch = launch_info();
  SERENDIP_CHECK(launch.world_size == 1 || spec.on_several_processes,
                 "{}: runs as one process, got rank {} of {}; start it without the launcher",
                 spec.command, launch.rank, launch.world_size);
  std::string settings;
  for (const std::string& section : spec.sections) settings += recipe.section(section).canonical();
  Agreement agreement(launch);
  return run_stage(
      recipe.folder(),
      {spec.name, std::move(settings), std::move(paths.inputs), std::move(paths.outputs),
       [&] { return spec.work(recipe); }, launch.rank == 0,
       [&](const auto& find) { return agreement.ask(spec.name, find); }, software_json()});
}

std::vector<fs::path> present(std::vector<fs::path> paths) {
  std::erase_if(paths, [](const fs::path& path) { return path.empty(); });
  return paths;
}

}  // namespace serendip
