#include "lm/lora.h"

#include <torch/utils.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/check.h"
#include "base/file.h"
#include "base/random.h"
#include "lm/config_fields.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

using torch::Tensor;

constexpr const char* kConfigFile = "adapter_config.json";

std::string module_name(size_t layer, size_t projection) {
  return fmt::format("model.layers.{}.{}", layer, kProjectionNames[projection]);
}

// A field that is null, false, empty or zero changes nothing.
bool is_set(const nlohmann::json& value) {
  if (value.is_boolean()) return value.get<bool>();
  return !value.is_null() && !value.empty() && value != "none" && value != 0;
}

std::vector<std::string> read_target_modules(const ConfigFields& fields) {
  const nlohmann::json& targets = fields.at("target_modules");
  if (targets == "all-linear") return {};
  SERENDIP_CHECK(targets.is_array() && !targets.empty(),
                 "{}: 'target_modules': expected a list of names or \"all-linear\", got {}",
                 fields.where(), targets.dump());
  std::vector<std::string> names;
  for (const nlohmann::json& name : targets) {
    SERENDIP_CHECK(name.is_string(), "{}: 'target_modules' holds {}, which is no string",
                   fields.where(), name.dump());
    names.push_back(name.get<std::string>());
  }
  return names;
}

}  // namespace

double LoraConfig::scale() const {
  const auto value = static_cast<double>(rank);
  return alpha / (rslora ? std::sqrt(value) : value);
}

bool is_adapter_folder(const fs::path& folder) { return fs::exists(folder / kConfigFile); }

LoraConfig read_lora_config(const fs::path& folder) {
  const ConfigFields fields(folder / kConfigFile);
  fields.require("peft_type", "LORA");
  for (const char* name :
       {"modules_to_save", "bias", "use_dora", "lora_bias", "fan_in_fan_out", "rank_pattern",
        "alpha_pattern", "layers_to_transform", "layer_replication", "exclude_modules",
        "trainable_token_indices", "target_parameters", "use_qalora", "use_bdlora"})
    SERENDIP_CHECK(!is_set(fields.at(name)), "{}: '{}' is {}, which is not supported",
                   fields.where(), name, fields.at(name).dump());
  LoraConfig lora;
  lora.rank = fields.size("r");
  lora.alpha = fields.positive("lora_alpha");
  lora.dropout = fields.at("lora_dropout") == 0 ? 0 : fields.positive("lora_dropout", 0);
  lora.rslora = fields.flag("use_rslora", false);
  lora.target_modules = read_target_modules(fields);
  return lora;
}

void add_lora(Decoder& decoder, const LoraConfig& lora, uint64_t seed) {
  std::set<std::string> unmatched(lora.target_modules.begin(), lora.target_modules.end());
  decoder.lora_scale = lora.scale();
  for (size_t i = 0; i < decoder.layers.size(); ++i) {
    for (size_t p = 0; p < kProjectionCount; ++p) {
      const std::string module = module_name(i, p);
      bool chosen = lora.target_modules.empty();
      for (const std::string& target : lora.target_modules) {
        if (module != target && !module.ends_with("." + target)) continue;
        unmatched.erase(target);
        chosen = true;
      }
      if (!chosen) continue;
      Linear& linear = decoder.layers[i].projections[p];
      const int64_t inputs = linear.weight.size(1), outputs = linear.weight.size(0);
      // kaiming_uniform(a = √5), as nn.Linear and PEFT: uniform within ±1/√inputs.
      linear.lora_a = torch::empty({lora.rank, inputs});
      Random random(seed, i * kProjectionCount + p);
      const double bound = 1 / std::sqrt(static_cast<double>(inputs));
      auto* values = linear.lora_a.data_ptr<float>();
      for (int64_t j = 0; j < linear.lora_a.numel(); ++j)
        values[j] = static_cast<float>((2 * random.uniform() - 1) * bound);
      linear.lora_b = torch::zeros({outputs, lora.rank});
      linear.lora_a = linear.lora_a.to(linear.weight.options());
      linear.lora_b = linear.lora_b.to(linear.weight.options());
    }
  }
  SERENDIP_CHECK(unmatched.empty(),
                 "LoRA target module '{}' is not one of q_proj, k_proj, v_proj, "
                 "o_proj, gate_proj, up_proj, down_proj",
                 *unmatched.begin());
}

NamedTensors adapter_tensors(const Decoder& decoder) {
  NamedTensors tensors;
  for (size_t i = 0; i < decoder.layers.size(); ++i) {
    for (size_t p = 0; p < kProjectionCount; ++p) {
      const Linear& linear = decoder.layers[i].projections[p];
      if (!linear.lora_a.defined()) continue;
      const std::string prefix = "base_model.model." + module_name(i, p) + ".";
      tensors.emplace_back(prefix + "lora_A.weight", linear.lora_a);
      tensors.emplace_back(prefix + "lora_B.weight", linear.lora_b);
    }
  }
  return tensors;
}

void save_adapter(const Decoder& decoder, const LoraConfig& lora, const fs::path& base,
                  const fs::path& folder) {
  std::vector<std::string> modules = lora.target_modules;
  if (modules.empty())
    for (const std::string name : kProjectionNames)
      modules.push_back(name.substr(name.find('.') + 1));
  const nlohmann::json config = {{"peft_type", "LORA"},
                                 {"task_type", "CAUSAL_LM"},
                                 {"base_model_name_or_path", base.string()},
                                 {"r", lora.rank},
                                 {"lora_alpha", lora.alpha},
                                 {"lora_dropout", lora.dropout},
                                 {"target_modules", modules},
                                 {"use_rslora", lora.rslora},
                                 {"bias", "none"},
                                 {"fan_in_fan_out", false},
                                 {"inference_mode", true}};
  write_file(folder / kConfigFile, config.dump(2) + "\n");
  save_tensors(folder / "adapter_model.safetensors", adapter_tensors(decoder));
}

Decoder merge_lora(Decoder decoder) {
  torch::NoGradGuard no_grad;
  for (DecoderLayer& layer : decoder.layers) {
    for (Linear& linear : layer.projections) {
      if (!linear.lora_a.defined()) continue;
      linear.weight = torch::addmm(linear.weight, linear.lora_b, linear.lora_a, /*beta=*/1,
                                   /*alpha=*/decoder.lora_scale);
      linear.lora_a = linear.lora_b = Tensor();
    }
  }
  decoder.lora_scale = 0;
  return decoder;
}

}  // namespace serendip
