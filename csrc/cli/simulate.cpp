#include <mutex>

#include "base/check.h"
#include "cli/command.h"
#include "infer/pair_table.h"
#include "simulator/calibration.h"
#include "simulator/experiment.h"
#include "simulator/simulate_world.h"
#include "simulator/world_files.h"

namespace serendip {
namespace {

// HDF5 is read by one thread at a time.
TableReader table_reader(int64_t context_size) {
  const auto mutex = std::make_shared<std::mutex>();
  return [=](const std::filesystem::path& path, const std::vector<std::string>& descriptions) {
    const std::lock_guard lock(*mutex);
    const auto table = std::make_shared<const PairTable>(load_pair_table(path));
    check_descriptions(*table, descriptions, path);
    SERENDIP_CHECK(table->contexts.context_size() == context_size,
                   "{}: expected contexts of {} clusters, got {}", path.string(), context_size,
                   table->contexts.context_size());
    return LabelsOf([table](std::span<const int32_t> context) {
      std::vector<int32_t> labels;
      const std::optional<int64_t> row = table->contexts.find(context);
      for (int64_t place = 0; row && place < table->k; ++place) {
        const int32_t label = table->label[static_cast<size_t>(*row * table->k + place)];
        if (label != PairTable::kNoLabel) labels.push_back(label);
      }
      return labels;
    });
  };
}

ExperimentSettings settings_of(const Recipe& recipe) {
  return {recipe.world,     recipe.cluster,    recipe.curate,
          recipe.recommend, recipe.experiment, table_reader(recipe.curate.context_size)};
}

// A row a fact, a column a log.
void calibrate(const std::vector<std::string>& paths, bool as_json) {
  std::vector<nlohmann::json> columns;
  for (const std::string& path : paths)
    columns.push_back(log_facts(load_dataset(path, /*with_embedding=*/false)));
  nlohmann::json by_path;
  for (size_t at = 0; at < paths.size(); ++at) by_path[paths[at]] = columns[at];
  if (as_json) return print(by_path.dump(1) + "\n");
  std::string text = fmt::format("{:<22}", "");
  for (const std::string& path : paths) text += fmt::format("  {:>28}", path);
  for (const auto& [fact, value] : columns.front().items()) {
    text += fmt::format("\n{:<22}", fact);
    for (const nlohmann::json& column : columns)
      text += fmt::format("  {:>28.4g}", column.at(fact).get<double>());
  }
  print(text + "\n");
}

void add_calibrate(CLI::App& simulate) {
  CLI::App& command = *simulate.add_subcommand(
      "calibrate", "Tails, sessions, repeats and drift of logs, side by side");
  const auto paths = std::make_shared<std::vector<std::string>>();
  const auto json = std::make_shared<bool>(false);
  command.add_option("data.h5", *paths, "what `import` made, one or more")->required();
  command.add_flag("--json", *json, "print the result as JSON on stdout");
  command.callback([=] { calibrate(*paths, *json); });
}

}  // namespace

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

StageSpec experiment_stage() {
  return {"experiment",
          "simulate experiment",
          "Let users of many worlds live under other policies: experiment/",
          {"world", "cluster", "curate", "recommend", "experiment"},
          [](const Recipe& recipe) {
            StagePaths paths;
            for (const ExperimentJob& job : experiment_jobs(settings_of(recipe)))
              for (const ArmSpec& arm : job.arms)
                if (arm.policy == ArmPolicy::kTable)
                  paths.inputs.emplace_back(arm.table(job.world.seed));
            for (const char* name : {"results.json", "summary.txt"})
              paths.outputs.push_back(recipe.experiment_folder() / name);
            return paths;
          },
          [](const Recipe& recipe) {
            return run_experiment(settings_of(recipe), recipe.experiment_folder());
          }};
}

void add_simulate(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("simulate", "Invent a world with a log of its own");
  command.require_subcommand(1);
  add_stage_command(command, "world", world_stage());
  add_stage_command(command, "experiment", experiment_stage());
  add_calibrate(command);
}

}  // namespace serendip
