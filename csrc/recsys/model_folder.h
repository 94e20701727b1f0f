// A trained policy's folder: config.json (which model, its settings) and model.safetensors (its
// tensors, and the order of the items that it was trained with).
#pragma once

#include <torch/nn/module.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "lm/safetensors.h"
#include "recsys/item_order.h"

namespace serendip {

// `settings` with "model_type" and the number of items, and the tensors, on the CPU, of float32,
// float64 or int64. The folder is made where missing.
void save_model_folder(const std::filesystem::path& folder, const std::string& model_type,
                       nlohmann::json settings,
                       const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                       const ItemOrder& order);

// A module's parameters by name, as save_model_folder takes them.
std::vector<std::pair<std::string, at::Tensor>> parameters_of(const torch::nn::Module& module);

// What config.json says that the folder holds. Throws Error naming the file.
std::string model_type_of(const std::filesystem::path& folder);

// Every call throws Error naming the file and what was expected.
class ModelFolder {
 public:
  // Also throws when the folder holds another type, and when its items are not in `order`.
  ModelFolder(const std::filesystem::path& folder, const std::string& model_type,
              const ItemOrder& order);

  int64_t whole(const std::string& key, int64_t low) const;
  double number(const std::string& key, double low) const;
  bool flag(const std::string& key) const;  // false where the folder does not name it

  // A copy of the tensor of that shape and dtype.
  at::Tensor tensor(const std::string& name, at::IntArrayRef shape, at::ScalarType dtype) const;
  // Into the module's parameters, float32 on the CPU.
  void read_parameters(const torch::nn::Module& module) const;
  // Of whatever length, [n] int64.
  at::Tensor list(const std::string& name) const;

 private:
  const nlohmann::json& setting(const std::string& key) const;

  std::filesystem::path config_path_;
  nlohmann::json config_;
  std::filesystem::path tensors_path_;
  SafetensorsFile tensors_;
};

}  // namespace serendip
