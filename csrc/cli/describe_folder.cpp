#include <algorithm>

#include "base/check.h"
#include "base/file.h"
#include "cli/describe.h"
#include "lm/json_file.h"
#include "lm/safetensors.h"

namespace serendip {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

// The folder's own files and folders, a folder with the bytes below it.
Json list_files(const fs::path& folder) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  Json files = Json::array();
  for (const fs::path& path : paths) {
    uintmax_t bytes = 0;
    if (fs::is_regular_file(path)) bytes = fs::file_size(path);
    if (fs::is_directory(path) && !fs::is_symlink(path))
      for (const auto& entry : fs::recursive_directory_iterator(path))
        if (entry.is_regular_file()) bytes += entry.file_size();
    std::string name = path.filename().string();
    if (fs::is_symlink(path)) {
      name += " -> " + fs::read_symlink(path).string();
    } else if (fs::is_directory(path)) {
      name += '/';
    }
    files.push_back({{"name", name}, {"bytes", bytes}});
  }
  return files;
}

// Any folder with a config.json and weights, whether `sft` could train it or not.
void describe_model(const fs::path& folder, Json& description) {
  description["config"] = read_json_object(folder / "config.json");
  int64_t tensors = 0, parameters = 0;
  for (const fs::path& path : safetensors_files(folder)) {
    const SafetensorsFile file(path);
    for (const auto& [name, entry] : file.entries()) {
      ++tensors;
      parameters += entry.numel();
    }
  }
  description["tensor_count"] = tensors;
  description["parameter_count"] = parameters;
}

void describe_run(const fs::path& folder, Json& description) {
  std::vector<Json> stages;
  for (const auto& entry : fs::directory_iterator(folder / "manifests")) {
    if (entry.path().extension() != ".json") continue;
    const Json manifest = Json::parse(read_file(entry.path()), nullptr, /*allow_exceptions=*/false);
    SERENDIP_CHECK(manifest.is_object() && manifest.contains("stage"), "{}: not a stage's manifest",
                   entry.path().string());
    stages.push_back({{"name", manifest.at("stage")},
                      {"seconds", manifest.value("seconds", 0.0)},
                      {"peak_memory", manifest.value("peak_memory", int64_t{0})},
                      {"result", manifest.value("result", Json())}});
  }
  std::sort(stages.begin(), stages.end(),
            [](const Json& a, const Json& b) { return a.at("name") < b.at("name"); });
  description["stages"] = stages;
}

}  // namespace

Json describe_folder(const fs::path& path) {
  Json description = {{"kind", "folder"}, {"path", path.string()}};
  const Json files = list_files(path);
  int64_t bytes = 0;
  for (const Json& file : files) bytes += file.at("bytes").get<int64_t>();
  description["bytes"] = bytes;
  if (fs::exists(path / "manifests")) {
    description["kind"] = "run";
    describe_run(path, description);
  } else if (fs::exists(path / "config.json")) {
    description["kind"] = "model";
    describe_model(path, description);
  }
  description["files"] = files;
  return description;
}

}  // namespace serendip
