#include "report/run_artifacts.h"

#include "base/check.h"
#include "base/hdf5_file.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

fs::path manifest_path(const fs::path& folder, const std::string& stage) {
  return folder / "manifests" / (stage + ".json");
}

}  // namespace

std::optional<JsonField> RunArtifacts::manifest(const std::string& stage) const {
  for (const auto& [name, manifest] : manifests)
    if (name == stage) return JsonField(manifest, manifest_path(folder, stage).string());
  return std::nullopt;
}

std::optional<JsonField> RunArtifacts::result(const std::string& stage) const {
  const std::optional<JsonField> of_stage = manifest(stage);
  return of_stage ? of_stage->find("result") : std::nullopt;
}

std::vector<fs::path> report_inputs(const fs::path& folder,
                                    const std::vector<std::string>& stages) {
  std::vector<fs::path> inputs;
  for (const char* name :
       {"recipe.yaml", "data.h5", "tree.h5", "transitions.h5", "table.h5", "sft/metrics.jsonl",
        "eval.json", "recommendations.json", "experiment/results.json", "random/table.h5",
        "random/manifests/sft.json"})
    inputs.push_back(folder / name);
  for (const std::string& stage : stages) inputs.push_back(manifest_path(folder, stage));
  std::erase_if(inputs, [](const fs::path& path) { return !fs::exists(path); });
  return inputs;
}

RunArtifacts load_run_artifacts(const fs::path& folder, const std::vector<std::string>& stages) {
  SERENDIP_CHECK(fs::is_directory(folder), "report: no run folder '{}'", folder.string());
  RunArtifacts run;
  run.folder = folder;
  for (const std::string& stage : stages)
    if (const fs::path path = manifest_path(folder, stage); fs::exists(path))
      run.manifests.emplace_back(stage, read_json(path));
  if (fs::exists(folder / "tree.h5")) run.tree = load_tree(folder / "tree.h5");
  if (fs::exists(folder / "data.h5"))
    run.item_title = Hdf5File::open(folder / "data.h5").read_strings("/items/title");
  SERENDIP_CHECK(
      !run.tree || run.item_title.empty() || run.item_title.size() == run.tree->item_traffic.size(),
      "{}: expected a tree of {} items as in data.h5, got {}", (folder / "tree.h5").string(),
      run.item_title.size(), run.tree->item_traffic.size());
  if (fs::exists(folder / "table.h5")) {
    run.table = load_pair_table(folder / "table.h5");
    if (run.tree)
      check_descriptions(*run.table, run.tree->planning().description, folder / "table.h5");
    run.labels = label_distribution(*run.table);
  }
  return run;
}

}  // namespace serendip
