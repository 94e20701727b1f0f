#include <fmt/ranges.h>

#include <algorithm>

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/plan.h"
#include "cli/summary.h"
#include "cli/text.h"

namespace serendip {
namespace {

// Those that the recipe wants, up to the one of the name `until`, if any.
std::vector<StageSpec> stages_until(const Recipe& recipe, const std::string& until) {
  std::vector<StageSpec> stages = wanted_stages(recipe);
  if (until.empty()) return stages;
  std::vector<std::string> names;
  for (const StageSpec& spec : stages) names.push_back(spec.name);
  const auto last = std::find(names.begin(), names.end(), until);
  SERENDIP_CHECK(last != names.end(), "--until: expected one of {}, got {}", fmt::join(names, ", "),
                 until);
  stages.resize(static_cast<size_t>(last - names.begin()) + 1);
  return stages;
}

std::vector<FinishedStage> run_stages(const Recipe& recipe, const std::vector<StageSpec>& stages) {
  std::vector<FinishedStage> finished;
  for (const StageSpec& spec : stages) {
    finished.push_back({spec.name, execute(spec, recipe)});
    const StageOutcome& outcome = finished.back().outcome;
    if (!outcome.skipped)
      spdlog::info("{}: done in {}, peak {}", spec.name, duration_text(outcome.seconds),
                   bytes_text(static_cast<double>(outcome.peak_memory)));
  }
  return finished;
}

void run(const Recipe& recipe, const std::string& until, bool json) {
  const std::vector<StageSpec> stages = stages_until(recipe, until);
  write_file(recipe.folder() / "recipe.yaml", recipe.yaml());
  const std::vector<FinishedStage> finished = run_stages(recipe, stages);
  const std::string document = summary_json(finished).dump(1) + "\n";
  const std::string text = summary_text(finished);
  write_file(recipe.folder() / "summary.json", document);
  write_file(recipe.folder() / "summary.txt", text);
  print(json ? document : text);
}

void dry_run(const Recipe& recipe, bool json) {
  const std::vector<Quantity> quantities = plan_run(recipe);
  print(json ? plan_json(recipe, quantities).dump(1) + "\n" : plan_text(recipe, quantities));
}

std::vector<std::string> section_names() {
  std::vector<std::string> names;
  for (const OptionSet& set : Recipe().sections)
    if (set.section() != "run") names.push_back(set.section());
  return names;
}

}  // namespace

void add_run(CLI::App& app) {
  CLI::App& command =
      *app.add_subcommand("run", "Run every stage of the recipe, skipping what is unchanged");
  const auto arguments = add_recipe_arguments(command, section_names());
  const auto dry = std::make_shared<bool>(false);
  const auto until = std::make_shared<std::string>();
  command
      .add_option("--until", *until,
                  "the last stage to run, as sft or recommend_train; without, all")
      ->type_name("STAGE");
  command.add_flag("--dry-run", *dry, "print stages, tokens, FLOPs, memory and disk; run nothing");
  command.callback([arguments, dry, until] {
    const std::unique_ptr<Recipe> recipe = arguments->load();
    *dry ? dry_run(*recipe, arguments->json) : run(*recipe, *until, arguments->json);
  });
}

}  // namespace serendip
