#include "recsys/recommender_io.h"

#include <fmt/ranges.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "lm/safetensors.h"

namespace serendip {
namespace fs = std::filesystem;
namespace {

constexpr const char* kModelType = "serendip_sequence";
constexpr const char* kItemOrder = "item_order";  // i32 [N], position -> item
constexpr const char* kConfigFile = "config.json";
constexpr const char* kModelFile = "model.safetensors";

int64_t read_setting(const nlohmann::json& config, const std::string& key, int64_t low,
                     const fs::path& path) {
  const auto found = config.find(key);
  SERENDIP_CHECK(
      found != config.end() && found->is_number_integer() && found->get<int64_t>() >= low,
      "{}: {}: expected a whole number of at least {}, got {}", path.string(), key, low,
      found == config.end() ? "nothing" : found->dump());
  return found->get<int64_t>();
}

// A feature that folders of models without it do not name.
bool read_feature(const nlohmann::json& config, const std::string& key, const fs::path& path) {
  const auto found = config.find(key);
  if (found == config.end()) return false;
  SERENDIP_CHECK(found->is_boolean(), "{}: {}: expected true or false, got {}", path.string(), key,
                 found->dump());
  return found->get<bool>();
}

SequenceModelConfig load_config(const fs::path& path) {
  const nlohmann::json config =
      nlohmann::json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  SERENDIP_CHECK(config.is_object() && config.value("model_type", "") == kModelType,
                 "{}: expected a JSON object with model_type \"{}\", got something else",
                 path.string(), kModelType);
  return {
      read_setting(config, "items", 1, path),      read_setting(config, "dimensions", 1, path),
      read_setting(config, "layers", 1, path),     read_setting(config, "heads", 1, path),
      read_setting(config, "max_length", 1, path), read_setting(config, "max_distance", 0, path),
      read_feature(config, "time_gaps", path),     read_feature(config, "rewards", path),
      read_feature(config, "behaviour_head", path)};
}

// Checked against the dtype and shape expected.
const SafetensorsEntry& need_tensor(const SafetensorsFile& file, const fs::path& path,
                                    const std::string& name, const std::string& dtype,
                                    const std::vector<int64_t>& shape) {
  const auto found = file.entries().find(name);
  SERENDIP_CHECK(found != file.entries().end(), "{}: expected tensor {}, got none", path.string(),
                 name);
  const SafetensorsEntry& entry = found->second;
  SERENDIP_CHECK(entry.dtype == dtype && entry.shape == shape,
                 "{}: {}: expected {} [{}], got {} [{}]", path.string(), name, dtype,
                 fmt::join(shape, ", "), entry.dtype, fmt::join(entry.shape, ", "));
  return entry;
}

}  // namespace

void save_recommender(const fs::path& folder, const SequenceModel& model, const ItemOrder& order) {
  std::vector<at::Tensor> kept;  // what the entries point into
  std::vector<std::pair<std::string, SafetensorsEntry>> tensors;
  const int64_t order_bytes = order.size() * static_cast<int64_t>(sizeof(int32_t));
  tensors.emplace_back(
      kItemOrder,
      SafetensorsEntry{
          "I32", {order.size()}, reinterpret_cast<const uint8_t*>(order.item.data()), order_bytes});
  for (const auto& parameter : model->named_parameters()) {
    const at::Tensor values = kept.emplace_back(parameter.value().detach().contiguous());
    tensors.emplace_back(parameter.key(),
                         SafetensorsEntry{"F32", values.sizes().vec(),
                                          reinterpret_cast<const uint8_t*>(values.const_data_ptr()),
                                          static_cast<int64_t>(values.nbytes())});
  }
  const SequenceModelConfig& config = model->config;
  const nlohmann::json settings = {{"model_type", kModelType},
                                   {"items", config.items},
                                   {"dimensions", config.dimensions},
                                   {"layers", config.layers},
                                   {"heads", config.heads},
                                   {"max_length", config.max_length},
                                   {"max_distance", config.max_distance},
                                   {"time_gaps", config.time_gaps},
                                   {"rewards", config.rewards},
                                   {"behaviour_head", config.behaviour_head}};
  fs::create_directories(folder);
  write_safetensors(folder / kModelFile, tensors);
  write_file(folder / kConfigFile, settings.dump(2) + "\n");
}

SequenceModel load_recommender(const fs::path& folder, const ItemOrder& order) {
  const SequenceModelConfig config = load_config(folder / kConfigFile);
  SERENDIP_CHECK(config.items == order.size(), "{}: items: expected the tree's {}, got {}",
                 (folder / kConfigFile).string(), order.size(), config.items);
  const fs::path path = folder / kModelFile;
  const SafetensorsFile file(path);
  const SafetensorsEntry& saved_order = need_tensor(file, path, kItemOrder, "I32", {order.size()});
  SERENDIP_CHECK(
      std::memcmp(saved_order.data, order.item.data(), static_cast<size_t>(saved_order.bytes)) == 0,
      "{}: {}: expected the items in the tree's order, got another: train the "
      "recommender again after clustering",
      path.string(), kItemOrder);
  SequenceModel model(config, std::nullopt);
  for (const auto& parameter : model->named_parameters()) {
    at::Tensor values = parameter.value().detach();
    const SafetensorsEntry& entry =
        need_tensor(file, path, parameter.key(), "F32", values.sizes().vec());
    std::memcpy(values.data_ptr(), entry.data, values.nbytes());
  }
  return model;
}

}  // namespace serendip
