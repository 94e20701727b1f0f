#include "recsys/model_folder.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>
#include <torch/utils.h>

#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/file.h"

namespace serendip {
namespace fs = std::filesystem;
namespace {

constexpr const char* kItemOrder = "item_order";  // i32 [N], position -> item
constexpr const char* kConfigFile = "config.json";
constexpr const char* kModelFile = "model.safetensors";

const char* dtype_name(at::ScalarType dtype) {
  switch (dtype) {
    case at::kFloat:
      return "F32";
    case at::kDouble:
      return "F64";
    case at::kLong:
      return "I64";
    default:
      throw Error(fmt::format("model folder: expected float32, float64 or int64, got {}",
                              c10::toString(dtype)));
  }
}

nlohmann::json read_config(const fs::path& path) {
  nlohmann::json config =
      nlohmann::json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  SERENDIP_CHECK(
      config.is_object() && config.contains("model_type") && config["model_type"].is_string(),
      "{}: expected a JSON object with a model_type, got something else", path.string());
  return config;
}

// Checked against the dtype and shape expected.
const SafetensorsEntry& need_tensor(const SafetensorsFile& file, const fs::path& path,
                                    const std::string& name, const std::string& dtype,
                                    at::IntArrayRef shape) {
  const auto found = file.entries().find(name);
  SERENDIP_CHECK(found != file.entries().end(), "{}: expected tensor {}, got none", path.string(),
                 name);
  const SafetensorsEntry& entry = found->second;
  SERENDIP_CHECK(entry.dtype == dtype && at::IntArrayRef(entry.shape) == shape,
                 "{}: {}: expected {} [{}], got {} [{}]", path.string(), name, dtype,
                 fmt::join(shape, ", "), entry.dtype, fmt::join(entry.shape, ", "));
  return entry;
}

at::Tensor copy_of(const SafetensorsEntry& entry, at::ScalarType dtype) {
  at::Tensor values = at::empty(entry.shape, dtype);
  std::memcpy(values.mutable_data_ptr(), entry.data, static_cast<size_t>(entry.bytes));
  return values;
}

}  // namespace

void save_model_folder(const fs::path& folder, const std::string& model_type,
                       nlohmann::json settings,
                       const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                       const ItemOrder& order) {
  std::vector<at::Tensor> kept;  // what the entries point into
  std::vector<std::pair<std::string, SafetensorsEntry>> entries;
  entries.emplace_back(kItemOrder,
                       SafetensorsEntry{"I32",
                                        {order.size()},
                                        reinterpret_cast<const uint8_t*>(order.item.data()),
                                        order.size() * static_cast<int64_t>(sizeof(int32_t))});
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor values = kept.emplace_back(tensor.detach().contiguous());
    entries.emplace_back(name,
                         SafetensorsEntry{dtype_name(values.scalar_type()), values.sizes().vec(),
                                          reinterpret_cast<const uint8_t*>(values.const_data_ptr()),
                                          static_cast<int64_t>(values.nbytes())});
  }
  settings["model_type"] = model_type;
  settings["items"] = order.size();
  fs::create_directories(folder);
  write_safetensors(folder / kModelFile, entries);
  write_file(folder / kConfigFile, settings.dump(2) + "\n");
}

std::vector<std::pair<std::string, at::Tensor>> parameters_of(const torch::nn::Module& module) {
  std::vector<std::pair<std::string, at::Tensor>> parameters;
  for (const auto& parameter : module.named_parameters())
    parameters.emplace_back(parameter.key(), parameter.value());
  return parameters;
}

std::string model_type_of(const fs::path& folder) {
  return read_config(folder / kConfigFile).at("model_type").get<std::string>();
}

ModelFolder::ModelFolder(const fs::path& folder, const std::string& model_type,
                         const ItemOrder& order)
    : config_path_(folder / kConfigFile),
      config_(read_config(config_path_)),
      tensors_path_(folder / kModelFile),
      tensors_(tensors_path_) {
  SERENDIP_CHECK(config_.at("model_type") == model_type, "{}: model_type: expected \"{}\", got {}",
                 config_path_.string(), model_type, config_.at("model_type").dump());
  SERENDIP_CHECK(whole("items", 1) == order.size(), "{}: items: expected the tree's {}, got {}",
                 config_path_.string(), order.size(), whole("items", 1));
  const SafetensorsEntry& saved_order =
      need_tensor(tensors_, tensors_path_, kItemOrder, "I32", {order.size()});
  SERENDIP_CHECK(
      std::memcmp(saved_order.data, order.item.data(), static_cast<size_t>(saved_order.bytes)) == 0,
      "{}: {}: expected the items in the tree's order, got another: train the "
      "recommender again after clustering",
      tensors_path_.string(), kItemOrder);
}

const nlohmann::json& ModelFolder::setting(const std::string& key) const {
  static const nlohmann::json kNothing;
  const auto found = config_.find(key);
  return found == config_.end() ? kNothing : *found;
}

int64_t ModelFolder::whole(const std::string& key, int64_t low) const {
  const nlohmann::json& value = setting(key);
  SERENDIP_CHECK(value.is_number_integer() && value.get<int64_t>() >= low,
                 "{}: {}: expected a whole number of at least {}, got {}", config_path_.string(),
                 key, low, value.dump());
  return value.get<int64_t>();
}

double ModelFolder::number(const std::string& key, double low) const {
  const nlohmann::json& value = setting(key);
  SERENDIP_CHECK(value.is_number() && value.get<double>() >= low,
                 "{}: {}: expected a number of at least {}, got {}", config_path_.string(), key,
                 low, value.dump());
  return value.get<double>();
}

bool ModelFolder::flag(const std::string& key) const {
  const nlohmann::json& value = setting(key);
  SERENDIP_CHECK(value.is_null() || value.is_boolean(), "{}: {}: expected true or false, got {}",
                 config_path_.string(), key, value.dump());
  return value.is_boolean() && value.get<bool>();
}

at::Tensor ModelFolder::tensor(const std::string& name, at::IntArrayRef shape,
                               at::ScalarType dtype) const {
  return copy_of(need_tensor(tensors_, tensors_path_, name, dtype_name(dtype), shape), dtype);
}

void ModelFolder::read_parameters(const torch::nn::Module& module) const {
  at::NoGradGuard no_gradients;
  for (const auto& [name, values] : parameters_of(module))
    at::Tensor(values).copy_(tensor(name, values.sizes(), at::kFloat));
}

at::Tensor ModelFolder::list(const std::string& name) const {
  const auto found = tensors_.entries().find(name);
  const int64_t length = found != tensors_.entries().end() && found->second.shape.size() == 1
                             ? found->second.shape.front()
                             : 0;
  return tensor(name, {length}, at::kLong);
}

}  // namespace serendip
