#include "simulator/experiment_files.h"

#include <sstream>

#include "base/check.h"
#include "base/file.h"
#include "base/hash.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

constexpr const char* kRecipe = "recipe.yaml";

template <typename Options>
std::string canonical(const char* section, Options options) {
  OptionSet set(section);
  options.declare(set);
  return set.canonical();
}

// The first line that differs, for the reader of an error.
std::string first_difference(const std::string& before, const std::string& now) {
  std::istringstream old_lines(before), new_lines(now);
  std::string old_line, new_line;
  while (std::getline(old_lines, old_line) && std::getline(new_lines, new_line))
    if (old_line != new_line) return fmt::format("'{}', now '{}'", old_line, new_line);
  return "other keys";
}

}  // namespace

std::string experiment_recipe(const ExperimentSettings& settings) {
  std::string text = canonical("world", settings.world) + canonical("cluster", settings.cluster) +
                     canonical("curate", settings.curate) +
                     canonical("recommend", settings.recommend) +
                     canonical("experiment", settings.experiment);
  for (const ExperimentJob& job : experiment_jobs(settings))
    for (const ArmSpec& arm : job.arms) {
      if (arm.policy != ArmPolicy::kTable) continue;
      const fs::path table = arm.table(job.world.seed);
      SERENDIP_CHECK(fs::exists(table), "experiment.arms: '{}': no file '{}'", arm.name,
                     table.string());
      text += fmt::format("{}: {}\n", table.string(), hash_path(table));
    }
  return text;
}

JobFiles::JobFiles(fs::path folder, const ExperimentSettings& settings)
    : folder_(std::move(folder)) {
  const std::string recipe = experiment_recipe(settings);
  recipe_hash_ = hash_hex(recipe);
  const fs::path path = folder_ / kRecipe;
  fs::create_directories(folder_ / "worlds");
  if (!fs::exists(path)) write_file(path, recipe);
  const std::string before = read_file(path);
  SERENDIP_CHECK(
      before == recipe,
      "{}: begun with another recipe ({}); remove the folder, or name another run.folder",
      folder_.string(), first_difference(before, recipe));
}

fs::path JobFiles::path(size_t job) const {
  return folder_ / "worlds" / fmt::format("{}.json", job);
}

bool JobFiles::has(size_t job) const { return fs::exists(path(job)); }

void JobFiles::save(size_t job, const nlohmann::json& result) const {
  nlohmann::json file = result;
  file["recipe"] = recipe_hash_;
  write_file(path(job), file.dump() + "\n");
}

nlohmann::json JobFiles::load(size_t job) const {
  nlohmann::json file =
      nlohmann::json::parse(read_file(path(job)), nullptr, /*allow_exceptions=*/false);
  SERENDIP_CHECK(file.is_object() && file.contains("arms"),
                 "{}: expected a world's outcomes, got something else; remove the file",
                 path(job).string());
  const std::string recipe = file.value("recipe", "");
  SERENDIP_CHECK(recipe == recipe_hash_, "{}: expected recipe {}, got {}; remove the file",
                 path(job).string(), recipe_hash_, recipe);
  return file;
}

void JobFiles::save_results(const nlohmann::json& results, const std::string& summary) const {
  write_file(folder_ / "results.json", results.dump(1) + "\n");
  write_file(folder_ / "summary.txt", summary);
}

}  // namespace serendip
