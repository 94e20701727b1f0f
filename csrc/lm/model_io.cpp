#include "lm/model_io.h"

#include <fmt/ranges.h>
#include <torch/utils.h>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "lm/json_file.h"
#include "lm/lora.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

using torch::Tensor;

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

bool has_bias(const ModelConfig& config, size_t projection) {
  if (projection < kOutput) return config.query_key_value_bias;
  return projection == kOutput ? config.output_bias : config.mlp_bias;
}

// Tensor by tensor, each one's pages of the file given back before the next.
Decoder load_weights(const fs::path& folder, torch::ScalarType dtype, torch::Device device) {
  Decoder decoder = shaped_decoder(load_model_config(folder));
  std::map<std::string, Tensor*> missing;
  decoder.for_each_weight(
      [&](const std::string& name, Tensor& weight) { missing[name] = &weight; });
  for (const fs::path& path : safetensors_files(folder)) {
    const SafetensorsFile file(path);
    for (const auto& [name, entry] : file.entries()) {
      if (name.ends_with("rotary_emb.inv_freq")) continue;
      if (name == "lm_head.weight" && decoder.config.tie_word_embeddings) continue;
      const std::string where = fmt::format("{}: tensor '{}'", path.string(), name);
      const auto found = missing.find(name);
      SERENDIP_CHECK(found != missing.end(), "{}: unexpected, or there twice", where);
      Tensor& weight = *found->second;
      SERENDIP_CHECK(weight.sizes() == at::IntArrayRef(entry.shape),
                     "{}: expected shape [{}], got [{}]", where, fmt::join(weight.sizes(), ", "),
                     fmt::join(entry.shape, ", "));
      weight = to_tensor(entry, dtype, where).to(device);
      file.release(entry);
      missing.erase(found);
    }
  }
  SERENDIP_CHECK(missing.empty(), "{}: no tensor '{}'", folder.string(), missing.begin()->first);
  if (decoder.config.tie_word_embeddings) decoder.lm_head = decoder.embed_tokens;
  return decoder;
}

// Consecutive tensors of at most max_shard_size bytes together.
std::vector<NamedTensors> cut_into_shards(const NamedTensors& tensors, const SaveOptions& options) {
  std::vector<NamedTensors> shards(1);
  int64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    const int64_t size = tensor.numel() * static_cast<int64_t>(c10::elementSize(options.dtype));
    if (!shards.back().empty() && bytes + size > options.max_shard_size) {
      shards.emplace_back();
      bytes = 0;
    }
    shards.back().emplace_back(name, tensor);
    bytes += size;
  }
  return shards;
}

// Shards first, then the index that names them, as `transformers` reads them.
void save_shards(const fs::path& folder, const NamedTensors& tensors, const SaveOptions& options) {
  const std::vector<NamedTensors> shards = cut_into_shards(tensors, options);
  if (shards.size() == 1) return save_tensors(folder / "model.safetensors", tensors, options.dtype);
  nlohmann::json weight_map;
  int64_t values = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string file = fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
    for (const auto& [name, tensor] : shards[i]) {
      weight_map[name] = file;
      values += tensor.numel();
    }
    save_tensors(folder / file, shards[i], options.dtype);
  }
  const auto value_bytes = static_cast<int64_t>(c10::elementSize(options.dtype));
  const nlohmann::json index = {
      {"metadata", {{"total_parameters", values}, {"total_size", values * value_bytes}}},
      {"weight_map", weight_map}};
  write_file(folder / "model.safetensors.index.json", index.dump(2) + "\n");
}

}  // namespace

Decoder shaped_decoder(const ModelConfig& config) {
  const auto shape = [](std::vector<int64_t> sizes) { return torch::empty(sizes, torch::kMeta); };
  Decoder decoder;
  decoder.config = config;
  decoder.embed_tokens = shape({config.vocab_size, config.hidden_size});
  decoder.norm = shape({config.hidden_size});
  decoder.lm_head = decoder.embed_tokens;
  decoder.layers.resize(static_cast<size_t>(config.num_hidden_layers));
  for (DecoderLayer& layer : decoder.layers) {
    layer.input_layernorm = layer.post_attention_layernorm = layer.pre_feedforward_layernorm =
        layer.post_feedforward_layernorm = shape({config.hidden_size});
    if (config.query_key_norm) layer.query_norm = layer.key_norm = shape({config.head_dim});
    for (size_t p = 0; p < kProjectionCount; ++p) {
      const std::vector<int64_t> sizes = projection_shape(config, p);
      layer.projections[p].weight = shape(sizes);
      if (has_bias(config, p)) layer.projections[p].bias = shape({sizes[0]});
    }
  }
  return decoder;
}

fs::path base_model_folder(const fs::path& folder) {
  if (!is_adapter_folder(folder)) return folder;
  const fs::path base = read_json_object(folder / "adapter_config.json")
                            .value("base_model_name_or_path", std::string());
  SERENDIP_CHECK(fs::exists(base / "config.json"),
                 "{}: base_model_name_or_path '{}' is no model folder",
                 (folder / "adapter_config.json").string(), base.string());
  return base;
}

Decoder load_decoder(const fs::path& folder, torch::ScalarType dtype, torch::Device device) {
  SERENDIP_CHECK(fs::is_directory(folder), "{}: no such model folder", folder.string());
  Decoder decoder = load_weights(base_model_folder(folder), dtype, device);
  decoder.attention_method =
      attention_method_for(decoder.embed_tokens.options(), decoder.config.head_dim);
  if (is_adapter_folder(folder)) {
    add_lora(decoder, read_lora_config(folder), 0);
    torch::NoGradGuard no_grad;
    load_tensors(folder / "adapter_model.safetensors", adapter_tensors(decoder));
  }
  return decoder;
}

void save_decoder(Decoder& decoder, const fs::path& base, const fs::path& folder,
                  const SaveOptions& options) {
  for (const char* name :
       {"config.json", "generation_config.json", "tokenizer.json", "tokenizer.model",
        "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"})
    if (fs::exists(base / name)) write_file(folder / name, read_file(base / name));
  nlohmann::json config = read_json_object(folder / "config.json");
  config.erase("torch_dtype");
  config["dtype"] = options.dtype == torch::kFloat32    ? "float32"
                    : options.dtype == torch::kBFloat16 ? "bfloat16"
                                                        : "float16";
  write_file(folder / "config.json", config.dump(2) + "\n");
  NamedTensors tensors;
  decoder.for_each_weight(
      [&](const std::string& name, Tensor& weight) { tensors.emplace_back(name, weight); });
  save_shards(folder, tensors, options);
}

}  // namespace serendip
