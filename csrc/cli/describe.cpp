#include "cli/describe.h"

#include <algorithm>
#include <fstream>

#include "base/check.h"
#include "base/file.h"
#include "base/hdf5_file.h"
#include "cli/text.h"
#include "lm/safetensors.h"

namespace serendip {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr int64_t kFirstValues = 5, kFirstLines = 3;
constexpr size_t kTextShown = 60;

// UTF-8 cut at a character's start.
std::string shortened(std::string text) {
  if (text.size() <= kTextShown) return text;
  size_t end = kTextShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

Json first_values(const Hdf5File& file, const std::string& name, const std::string& dtype,
                  const std::vector<int64_t>& shape) {
  if (shape.empty()) return Json::array();
  if (dtype == "str") {
    std::vector<std::string> texts = file.read_strings(name);
    texts.resize(std::min<size_t>(texts.size(), kFirstValues));
    for (std::string& text : texts) text = shortened(std::move(text));
    return texts;
  }
  const auto first = [&](auto zero) -> Json {
    using T = decltype(zero);
    int64_t row_values = 1;
    for (size_t d = 1; d < shape.size(); ++d) row_values *= shape[d];
    const int64_t rows = row_values >= kFirstValues ? 1 : kFirstValues;
    std::vector<T> values = file.read_rows<T>(name, 0, std::min(rows, shape[0]));
    values.resize(std::min<size_t>(values.size(), kFirstValues));
    return values;
  };
  return dtype.front() == 'f' ? first(0.0) : first(int64_t{0});
}

void collect_datasets(const Hdf5File& file, const std::string& group, Json& datasets) {
  for (const std::string& child : file.children(group)) {
    const std::string name = group == "/" ? "/" + child : group + "/" + child;
    if (file.is_group(name)) {
      collect_datasets(file, name, datasets);
      continue;
    }
    try {
      const std::vector<int64_t> shape = file.shape(name);
      const std::string dtype = file.dtype(name);
      datasets.push_back({{"name", name},
                          {"dtype", dtype},
                          {"shape", shape},
                          {"first", first_values(file, name, dtype, shape)}});
    } catch (
        const Error&) {  // an external link whose file is absent, or a type that we never write
      datasets.push_back({{"name", name}, {"dtype", nullptr}});
    }
  }
}

void describe_hdf5(const fs::path& path, Json& description) {
  const Hdf5File file = Hdf5File::open(path);
  description["attributes"] = Json::object();
  for (const std::string& key : file.attributes())
    description["attributes"][key] = file.read_attribute(key);
  description["datasets"] = Json::array();
  collect_datasets(file, "/", description["datasets"]);
  const std::vector<std::string> children = file.children("/");
  if (std::count(children.begin(), children.end(), "probability_low"))
    description["rows"] = describe_pair_table(path);
}

void describe_safetensors(const fs::path& path, Json& description) {
  const SafetensorsFile file(path);
  description["metadata"] = file.metadata();
  int64_t parameters = 0, bytes = 0;
  Json tensors = Json::array();
  for (const auto& [name, entry] : file.entries()) {
    parameters += entry.numel();
    bytes += entry.bytes;
    tensors.push_back(
        {{"name", name}, {"dtype", entry.dtype}, {"shape", entry.shape}, {"bytes", entry.bytes}});
  }
  description["tensor_count"] = tensors.size();
  description["parameter_count"] = parameters;
  description["tensor_bytes"] = bytes;
  description["tensors"] = std::move(tensors);
}

void describe_jsonl(const fs::path& path, Json& description) {
  std::ifstream in(path);
  SERENDIP_CHECK(in.good(), "{}: cannot open", path.string());
  int64_t lines = 0;
  Json first = Json::array();
  for (std::string line; std::getline(in, line);) {
    ++lines;
    if (line.empty()) continue;
    const Json value = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    SERENDIP_CHECK(!value.is_discarded(), "{}:{}: not valid JSON", path.string(), lines);
    if (first.size() < kFirstLines) first.push_back(value);
  }
  description["lines"] = lines;
  description["first"] = std::move(first);
}

void describe_json(const fs::path& path, Json& description) {
  const Json value = Json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  SERENDIP_CHECK(!value.is_discarded(), "{}: not valid JSON", path.string());
  description["content"] = value;
}

std::string kind_of(const fs::path& path) {
  if (path.extension() == ".safetensors") return "safetensors";
  if (path.extension() == ".jsonl") return "jsonl";
  if (path.extension() == ".json") return "json";
  std::ifstream in(path, std::ios::binary);
  std::string magic(8, '\0');
  in.read(magic.data(), 8);
  if (magic == "\x89HDF\r\n\x1a\n" || path.extension() == ".h5") return "hdf5";
  fail("{}: expected HDF5, safetensors, JSON, JSONL or a folder, got none of these", path.string());
}

std::string shape_text(const Json& shape) {
  return fmt::format("[{}]", fmt::join(shape.get<std::vector<int64_t>>(), ", "));
}

using Rows = std::vector<std::vector<std::string>>;

Rows dataset_rows(const Json& datasets) {
  Rows rows;
  for (const Json& dataset : datasets) {
    const std::string name = dataset.at("name");
    if (dataset.at("dtype").is_null()) {
      rows.push_back({name, "-", "-", "unreadable: its linked file is absent"});
    } else {
      rows.push_back({name, dataset.at("dtype"), shape_text(dataset.at("shape")),
                      value_text(dataset.at("first"))});
    }
  }
  return rows;
}

Rows tensor_rows(const Json& tensors) {
  Rows rows;
  for (const Json& tensor : tensors)
    rows.push_back({tensor.at("name"), tensor.at("dtype"), shape_text(tensor.at("shape")),
                    bytes_text(tensor.at("bytes"))});
  return rows;
}

Rows file_rows(const Json& files) {
  Rows rows;
  for (const Json& file : files)
    rows.push_back({file.at("name"), bytes_text(file.at("bytes").get<double>())});
  return rows;
}

Rows stage_rows(const Json& stages) {
  Rows rows = {{"stage", "time", "peak memory"}};
  for (const Json& stage : stages)
    rows.push_back({stage.at("name"), duration_text(stage.at("seconds")),
                    bytes_text(stage.at("peak_memory"))});
  return rows;
}

}  // namespace

Json describe(const fs::path& path) {
  SERENDIP_CHECK(fs::exists(path), "{}: no such file or folder", path.string());
  if (fs::is_directory(path)) return describe_folder(path);
  const std::string kind = kind_of(path);
  Json description = {{"kind", kind}, {"path", path.string()}, {"bytes", fs::file_size(path)}};
  if (kind == "hdf5") describe_hdf5(path, description);
  if (kind == "safetensors") describe_safetensors(path, description);
  if (kind == "jsonl") describe_jsonl(path, description);
  if (kind == "json") describe_json(path, description);
  return description;
}

std::string description_text(const Json& description) {
  std::string text = fmt::format("{}: {}, {}\n", description.at("path").get<std::string>(),
                                 description.at("kind").get<std::string>(),
                                 bytes_text(description.at("bytes").get<double>()));
  for (const auto& [key, value] : description.items()) {
    if (key == "kind" || key == "path" || key == "bytes") continue;
    if (key == "datasets") {
      text += align_columns(dataset_rows(value), false);
    } else if (key == "tensors") {
      text += align_columns(tensor_rows(value), false);
    } else if (key == "files") {
      text += "files\n" + align_columns(file_rows(value), true);
    } else if (key == "stages") {
      text += align_columns(stage_rows(value), true);
    } else if (key == "rows") {
      for (const Json& line : value) text += line.get<std::string>() + "\n";
    } else if (key == "first") {
      for (const Json& line : value) text += line.dump() + "\n";
    } else if (key == "content") {
      text += value.dump(1) + "\n";
    } else {
      text += key_value_lines({{key, nlohmann::json(value)}});
    }
  }
  return text;
}

}  // namespace serendip
