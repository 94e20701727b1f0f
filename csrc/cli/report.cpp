#include "report/report.h"

#include "base/gnuplot.h"
#include "base/log.h"
#include "cli/command.h"
#include "report/run_artifacts.h"

namespace serendip {
namespace {

// Whose manifests the page shows.
std::vector<std::string> stages_shown() {
  std::vector<std::string> names;
  for (const StageSpec& spec : all_stages())
    if (spec.name != "report") names.push_back(spec.name);
  names.push_back(experiment_stage().name);
  return names;
}

}  // namespace

StageSpec report_stage() {
  return {
      "report",
      "report",
      "Make the run's page: report.html",
      {},
      [](const Recipe& recipe) {
        std::vector<std::filesystem::path> inputs = report_inputs(recipe.folder(), stages_shown());
        if (inputs.empty()) inputs.push_back(recipe.data());  // asked for: nothing has run
        return StagePaths{std::move(inputs), {recipe.folder() / "report.html"}};
      },
      [](const Recipe& recipe) { return write_report(recipe.folder(), stages_shown()); },
      /*on_several_processes=*/false,
      [](const Recipe&) {
        const bool draws = gnuplot_is_installed();
        if (!draws)
          spdlog::warn("report: left out: gnuplot is not installed (Debian package gnuplot-nox)");
        return draws;
      }};
}

void add_report(CLI::App& app) { add_stage_command(app, "report", report_stage()); }

}  // namespace serendip
