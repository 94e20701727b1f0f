#include "base/manifest.h"

#include <chrono>
#include <map>
#include <optional>
#include <set>

#include "base/check.h"
#include "base/file.h"
#include "base/file_lock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/process.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

constexpr const char* kVersion = SERENDIP_VERSION;

nlohmann::json hashes(const std::vector<fs::path>& paths) {
  nlohmann::json result = nlohmann::json::object();
  for (const fs::path& path : paths) result[path.string()] = hash_path(path);
  return result;
}

bool unchanged(const nlohmann::json& manifest, const Stage& stage, const nlohmann::json& inputs) {
  if (manifest.value("version", "") != kVersion ||
      manifest.value("settings", "") != stage.settings ||
      manifest.value("inputs", nlohmann::json()) != inputs)
    return false;
  for (const fs::path& output : stage.outputs)
    if (!fs::exists(output)) return false;
  return manifest.value("outputs", nlohmann::json()) == hashes(stage.outputs);
}

nlohmann::json read_manifest(const fs::path& path) {
  return nlohmann::json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
}

// Throws Error where an input file is no longer what a stage of the folder wrote: readers of HDF5
// would take turned bits for data, or crash.
void check_undamaged(const fs::path& run_folder, const nlohmann::json& inputs) {
  std::map<std::string, std::string> makers;  // of files that none of their makers knows any more
  std::set<std::string> known;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(run_folder / "manifests", ignored)) {
    if (entry.path().extension() != ".json") continue;
    const nlohmann::json manifest = read_manifest(entry.path());
    if (manifest.is_discarded() || !manifest.contains("outputs")) continue;
    for (const auto& [path, hash] : manifest["outputs"].items()) {
      if (!inputs.contains(path) || !fs::is_regular_file(path)) continue;
      if (inputs[path] == hash) known.insert(path);
      makers[path] = entry.path().string();
    }
  }
  for (const auto& [path, manifest] : makers)
    SERENDIP_CHECK(known.contains(path),
                   "{}: damaged or changed since {} was written; run that stage again, or remove "
                   "the manifest if the change is meant",
                   path, manifest);
}

}  // namespace

StageOutcome run_stage(const fs::path& run_folder, const Stage& stage) {
  const fs::path manifest_path = run_folder / "manifests" / (stage.name + ".json");
  std::optional<FileLock> lock;  // a job's other processes work beside the first
  nlohmann::json inputs;
  const bool is_done = stage.agree([&] {
    if (stage.writes_manifest) lock.emplace(run_folder / "manifests" / (stage.name + ".lock"));
    SERENDIP_CHECK(!lock || lock->held(), "{}: another process is at it in {}; wait or end it",
                   stage.name, run_folder.string());
    inputs = hashes(stage.inputs);
    if (fs::exists(manifest_path)) {
      const nlohmann::json manifest = read_manifest(manifest_path);
      if (!manifest.is_discarded() && unchanged(manifest, stage, inputs)) return true;
    }
    check_undamaged(run_folder, inputs);
    return false;
  });
  if (is_done) {
    spdlog::info("{}: unchanged, skipped", stage.name);
    const nlohmann::json manifest = read_manifest(manifest_path);
    return {true, manifest.at("seconds"), manifest.at("peak_memory"), manifest.at("result")};
  }
  if (lock)
    for (const fs::path& output : stage.outputs) remove_leftovers(output);
  spdlog::info("{}: starts", stage.name);
  reset_peak_memory();
  const auto start = std::chrono::steady_clock::now();
  StageOutcome outcome{false, 0, 0, stage.work()};
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  outcome.peak_memory = peak_memory_bytes();
  if (!stage.writes_manifest) return outcome;
  const nlohmann::json manifest = {{"stage", stage.name},
                                   {"version", kVersion},
                                   {"settings", stage.settings},
                                   {"inputs", inputs},
                                   {"outputs", hashes(stage.outputs)},
                                   {"seconds", outcome.seconds},
                                   {"peak_memory", outcome.peak_memory},
                                   {"machine", machine_json()},
                                   {"software", stage.software},
                                   {"result", outcome.result}};
  write_file(manifest_path, manifest.dump(1) + "\n");
  return outcome;
}

}  // namespace serendip
