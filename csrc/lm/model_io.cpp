#include "lm/model_io.h"

#include <fmt/ranges.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/check.h"
#include "base/file.h"
#include "base/random.h"
#include "lm/safetensors.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

using torch::Tensor;

torch::ScalarType scalar_type(const std::string& dtype, const std::string& where) {
  if (dtype == "F32") return torch::kFloat32;
  if (dtype == "BF16") return torch::kBFloat16;
  if (dtype == "F16") return torch::kFloat16;
  if (dtype == "F64") return torch::kFloat64;
  fail("{}: expected dtype F32, BF16, F16 or F64, got {}", where, dtype);
}

// A float32 copy of a mapped tensor.
Tensor to_float32(const SafetensorsEntry& entry, const std::string& where) {
  const auto type = scalar_type(entry.dtype, where);
  return torch::from_blob(const_cast<uint8_t*>(entry.data), entry.shape, type)
      .to(torch::kFloat32, /*non_blocking=*/false, /*copy=*/true);
}

std::vector<int64_t> projection_shape(const ModelConfig& config, size_t projection) {
  const int64_t query = config.num_attention_heads * config.head_dim,
                key_value = config.num_key_value_heads * config.head_dim;
  switch (projection) {
    case kQuery:
      return {query, config.hidden_size};
    case kKey:
    case kValue:
      return {key_value, config.hidden_size};
    case kOutput:
      return {config.hidden_size, query};
    case kDown:
      return {config.hidden_size, config.intermediate_size};
    default:
      return {config.intermediate_size, config.hidden_size};
  }
}

// Undefined weights replaced by the shapes that config.json promises, without memory for the
// values.
Decoder shaped_decoder(const ModelConfig& config) {
  const auto shape = [](std::vector<int64_t> sizes) { return torch::empty(sizes, torch::kMeta); };
  Decoder decoder;
  decoder.config = config;
  decoder.embed_tokens = shape({config.vocab_size, config.hidden_size});
  decoder.norm = shape({config.hidden_size});
  decoder.lm_head = decoder.embed_tokens;
  decoder.layers.resize(static_cast<size_t>(config.num_hidden_layers));
  for (DecoderLayer& layer : decoder.layers) {
    layer.input_layernorm = layer.post_attention_layernorm = shape({config.hidden_size});
    for (size_t p = 0; p < kProjectionCount; ++p) {
      const std::vector<int64_t> sizes = projection_shape(config, p);
      layer.projections[p].weight = shape(sizes);
      if (p <= kOutput ? config.attention_bias : config.mlp_bias)
        layer.projections[p].bias = shape({sizes[0]});
    }
  }
  return decoder;
}

Decoder load_weights(const fs::path& folder) {
  Decoder decoder = shaped_decoder(load_model_config(folder));
  std::map<std::string, Tensor> loaded;
  for (const fs::path& path : safetensors_files(folder)) {
    const SafetensorsFile file(path);
    for (const auto& [name, entry] : file.entries()) {
      if (name.ends_with("rotary_emb.inv_freq")) continue;
      if (name == "lm_head.weight" && decoder.config.tie_word_embeddings) continue;
      loaded[name] = to_float32(entry, fmt::format("{}: tensor '{}'", path.string(), name));
    }
  }
  decoder.for_each_weight([&](const std::string& name, Tensor& weight) {
    const auto found = loaded.find(name);
    SERENDIP_CHECK(found != loaded.end(), "{}: no tensor '{}'", folder.string(), name);
    SERENDIP_CHECK(found->second.sizes() == weight.sizes(),
                   "{}: tensor '{}': expected shape [{}], got [{}]", folder.string(), name,
                   fmt::join(weight.sizes(), ", "), fmt::join(found->second.sizes(), ", "));
    weight = found->second;
    loaded.erase(found);
  });
  SERENDIP_CHECK(loaded.empty(), "{}: unexpected tensor '{}'", folder.string(),
                 loaded.begin()->first);
  return decoder;
}

bool is_adapter(const fs::path& folder) { return fs::exists(folder / "adapter_config.json"); }

nlohmann::json read_json(const fs::path& path) {
  nlohmann::json json = nlohmann::json::parse(read_file(path), nullptr, false);
  SERENDIP_CHECK(json.is_object(), "{}: not a JSON object", path.string());
  return json;
}

std::string module_name(size_t projection) {
  const std::string name = kProjectionNames[projection];
  return name.substr(name.find('.') + 1);
}

LoraConfig read_adapter_config(const fs::path& folder) {
  const fs::path path = folder / "adapter_config.json";
  const nlohmann::json json = read_json(path);
  SERENDIP_CHECK(json.value("peft_type", "") == "LORA", "{}: expected peft_type LORA, got '{}'",
                 path.string(), json.value("peft_type", ""));
  for (const char* unsupported : {"use_rslora", "use_dora"})
    SERENDIP_CHECK(!json.value(unsupported, false), "{}: {} is not supported", path.string(),
                   unsupported);
  LoraConfig lora{json.at("r"), json.at("lora_alpha"), json.value("lora_dropout", 0.0), {}};
  if (json.at("target_modules").is_array())
    lora.target_modules = json.at("target_modules").get<std::vector<std::string>>();
  return lora;
}

}  // namespace

fs::path base_model_folder(const fs::path& folder) {
  if (!is_adapter(folder)) return folder;
  const fs::path base =
      read_json(folder / "adapter_config.json").value("base_model_name_or_path", std::string());
  SERENDIP_CHECK(fs::exists(base / "config.json"),
                 "{}: base_model_name_or_path '{}' is no model folder",
                 (folder / "adapter_config.json").string(), base.string());
  return base;
}

Decoder load_decoder(const fs::path& folder) {
  SERENDIP_CHECK(fs::is_directory(folder), "{}: no such model folder", folder.string());
  Decoder decoder = load_weights(base_model_folder(folder));
  if (is_adapter(folder)) {
    add_lora(decoder, read_adapter_config(folder), 0);
    torch::NoGradGuard no_grad;
    load_tensors(folder / "adapter_model.safetensors", adapter_tensors(decoder));
  }
  return decoder;
}

void add_lora(Decoder& decoder, const LoraConfig& lora, uint64_t seed) {
  std::set<std::string> unknown(lora.target_modules.begin(), lora.target_modules.end());
  decoder.lora_scale = lora.alpha / static_cast<double>(lora.rank);
  for (size_t i = 0; i < decoder.layers.size(); ++i) {
    for (size_t p = 0; p < kProjectionCount; ++p) {
      const std::string name = module_name(p);
      unknown.erase(name);
      if (!lora.target_modules.empty() &&
          std::find(lora.target_modules.begin(), lora.target_modules.end(), name) ==
              lora.target_modules.end())
        continue;
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
      linear.lora_a = linear.lora_a.to(linear.weight.scalar_type());
      linear.lora_b = linear.lora_b.to(linear.weight.scalar_type());
    }
  }
  SERENDIP_CHECK(unknown.empty(),
                 "LoRA target module '{}' is not one of q_proj, k_proj, v_proj, "
                 "o_proj, gate_proj, up_proj, down_proj",
                 *unknown.begin());
}

NamedTensors adapter_tensors(const Decoder& decoder) {
  NamedTensors tensors;
  for (size_t i = 0; i < decoder.layers.size(); ++i) {
    for (size_t p = 0; p < kProjectionCount; ++p) {
      const Linear& linear = decoder.layers[i].projections[p];
      if (!linear.lora_a.defined()) continue;
      const std::string prefix =
          fmt::format("base_model.model.model.layers.{}.{}.", i, kProjectionNames[p]);
      tensors.emplace_back(prefix + "lora_A.weight", linear.lora_a);
      tensors.emplace_back(prefix + "lora_B.weight", linear.lora_b);
    }
  }
  return tensors;
}

void save_decoder(Decoder& decoder, const fs::path& base, const fs::path& folder) {
  for (const char* name :
       {"config.json", "generation_config.json", "tokenizer.json", "tokenizer.model",
        "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"})
    if (fs::exists(base / name)) write_file(folder / name, read_file(base / name));
  nlohmann::json config = read_json(folder / "config.json");
  config.erase("torch_dtype");
  config["dtype"] = "float32";
  write_file(folder / "config.json", config.dump(2) + "\n");
  NamedTensors tensors;
  decoder.for_each_weight(
      [&](const std::string& name, Tensor& weight) { tensors.emplace_back(name, weight); });
  save_tensors(folder / "model.safetensors", tensors);
}

void save_adapter(const Decoder& decoder, const LoraConfig& lora, const fs::path& base,
                  const fs::path& folder) {
  std::vector<std::string> modules = lora.target_modules;
  if (modules.empty())
    for (size_t p = 0; p < kProjectionCount; ++p) modules.push_back(module_name(p));
  const nlohmann::json config = {{"peft_type", "LORA"},
                                 {"task_type", "CAUSAL_LM"},
                                 {"base_model_name_or_path", base.string()},
                                 {"r", lora.rank},
                                 {"lora_alpha", lora.alpha},
                                 {"lora_dropout", lora.dropout},
                                 {"target_modules", modules},
                                 {"bias", "none"},
                                 {"fan_in_fan_out", false},
                                 {"inference_mode", true}};
  write_file(folder / "adapter_config.json", config.dump(2) + "\n");
  save_tensors(folder / "adapter_model.safetensors", adapter_tensors(decoder));
}

void save_tensors(const fs::path& path, const NamedTensors& tensors) {
  std::vector<std::pair<std::string, SafetensorsEntry>> entries;
  std::vector<Tensor> kept;
  for (const auto& [name, tensor] : tensors) {
    kept.push_back(tensor.detach().to(torch::kFloat32).contiguous());
    const Tensor& values = kept.back();
    entries.emplace_back(
        name, SafetensorsEntry{"F32", values.sizes().vec(),
                               reinterpret_cast<const uint8_t*>(values.const_data_ptr<float>()),
                               static_cast<int64_t>(values.nbytes())});
  }
  write_safetensors(path, entries);
}

void load_tensors(const fs::path& path, const NamedTensors& tensors) {
  const SafetensorsFile file(path);
  SERENDIP_CHECK(file.entries().size() == tensors.size(), "{}: expected {} tensors, got {}",
                 path.string(), tensors.size(), file.entries().size());
  torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors) {
    const auto found = file.entries().find(name);
    SERENDIP_CHECK(found != file.entries().end(), "{}: no tensor '{}'", path.string(), name);
    SERENDIP_CHECK(tensor.sizes() == at::IntArrayRef(found->second.shape),
                   "{}: tensor '{}': expected shape [{}], got [{}]", path.string(), name,
                   fmt::join(tensor.sizes(), ", "), fmt::join(found->second.shape, ", "));
    Tensor target = tensor;
    target.copy_(to_float32(found->second, fmt::format("{}: tensor '{}'", path.string(), name)));
  }
}

}  // namespace serendip
