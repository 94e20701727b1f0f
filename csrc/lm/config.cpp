#include "lm/config.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "base/check.h"
#include "lm/config_fields.h"
#include "lm/rope_config.h"

namespace serendip {
namespace {

using nlohmann::json;

constexpr double kLargestModel = 1e15;  // parameters; keeps all products of sizes within int64

// Which layers slide: "layer_types", or else `slides` where the model has a window at all.
void read_windows(const ConfigFields& fields, ModelConfig& config, bool slides_by_default,
                  const std::function<bool(int64_t layer)>& slides) {
  const json& types = fields.at("layer_types");
  const bool has_window = fields.has("sliding_window") || slides_by_default;
  std::vector<bool> sliding;
  for (int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    if (types.is_null()) {
      sliding.push_back(has_window && slides(layer));
      continue;
    }
    SERENDIP_CHECK(
        types.is_array() && types.size() == static_cast<size_t>(config.num_hidden_layers),
        "{}: 'layer_types': expected a list of {}, got {}", fields.where(),
        config.num_hidden_layers, types.dump());
    const json& type = types[static_cast<size_t>(layer)];
    SERENDIP_CHECK(type == "full_attention" || type == "sliding_attention",
                   "{}: 'layer_types' holds {}; supported: full_attention, sliding_attention",
                   fields.where(), type.dump());
    sliding.push_back(type == "sliding_attention");
  }
  if (std::find(sliding.begin(), sliding.end(), true) == sliding.end()) return;
  config.sliding_layers = std::move(sliding);
  config.sliding_attention = config.full_attention;
  config.sliding_attention.window =
      slides_by_default ? fields.size("sliding_window", 4096) : fields.size("sliding_window");
}

void read_llama(const ConfigFields& fields, ModelConfig& config) {
  config.query_key_value_bias = config.output_bias = fields.flag("attention_bias", false);
  config.mlp_bias = fields.flag("mlp_bias", false);
}

void read_mistral(const ConfigFields& fields, ModelConfig& config) {
  fields.require("attention_bias", false);
  read_windows(fields, config, false, [](int64_t) { return true; });
}

void read_qwen_windows(const ConfigFields& fields, ModelConfig& config) {
  if (!fields.flag("use_sliding_window", false)) return;
  const int64_t first = fields.count("max_window_layers", 28);
  read_windows(fields, config, true, [first](int64_t layer) { return layer >= first; });
}

void read_qwen2(const ConfigFields& fields, ModelConfig& config) {
  config.query_key_value_bias = true;
  read_qwen_windows(fields, config);
}

void read_qwen3(const ConfigFields& fields, ModelConfig& config) {
  config.query_key_norm = true;
  config.query_key_value_bias = config.output_bias = fields.flag("attention_bias", false);
  read_qwen_windows(fields, config);
}

void read_gemma(const ConfigFields& fields, ModelConfig& config) {
  fields.require("use_bidirectional_attention", false);
  config.norm_adds_one = true;
  config.embedding_scale = std::sqrt(static_cast<double>(config.hidden_size));
  config.query_key_value_bias = config.output_bias = fields.flag("attention_bias", false);
}

void read_gemma2(const ConfigFields& fields, ModelConfig& config) {
  read_gemma(fields, config);
  config.post_norms = true;
  config.attention_scale = 1 / std::sqrt(fields.positive("query_pre_attn_scalar", 256));
  // Null switches a cap off, absence leaves it at the default.
  const auto softcap = [&](const char* name, double otherwise) {
    return fields.contains(name) ? fields.positive(name, 0) : otherwise;
  };
  config.attention_softcap = softcap("attn_logit_softcapping", 50);
  config.logit_softcap = softcap("final_logit_softcapping", 30);
  read_windows(fields, config, true, [](int64_t layer) { return layer % 2 == 0; });
}

void read_gemma3(const ConfigFields& fields, ModelConfig& config) {
  read_gemma(fields, config);
  fields.require("attn_logit_softcapping", nullptr);
  config.post_norms = config.query_key_norm = true;
  config.attention_scale = 1 / std::sqrt(fields.positive("query_pre_attn_scalar", 256));
  config.logit_softcap = fields.positive("final_logit_softcapping", 0);
  config.full_attention.rope = read_rope(fields, "full_attention", 1e6);
  const int64_t pattern = fields.size("sliding_window_pattern", 6);
  read_windows(fields, config, true,
               [pattern](int64_t layer) { return (layer + 1) % pattern != 0; });
  if (fields.has("rope_parameters")) {
    config.sliding_attention.rope = read_rope(fields, "sliding_attention", 1e4);
  } else {
    config.sliding_attention.rope = {.theta = fields.positive("rope_local_base_freq", 1e4)};
  }
}

// What a family's config.json leaves out, and what it adds.
struct Family {
  void (*read)(const ConfigFields&, ModelConfig&);
  bool gemma = false;    // tied embeddings, heads of 256 and GELU unless said otherwise
  int64_t head_dim = 0;  // where absent; 0: hidden_size / num_attention_heads
};

const std::map<std::string, Family>& families() {
  static const std::map<std::string, Family> instance = {
      {"llama", {read_llama}},
      {"mistral", {read_mistral}},
      {"qwen2", {read_qwen2}},
      {"qwen3", {read_qwen3, false, 128}},
      {"gemma", {read_gemma, true, 256}},
      {"gemma2", {read_gemma2, true, 256}},
      {"gemma3_text", {read_gemma3, true, 256}},
  };
  return instance;
}

const Family& family_of(const ConfigFields& fields) {
  const json& type = fields.at("model_type");
  const auto found = type.is_string() ? families().find(type.get<std::string>()) : families().end();
  std::vector<std::string> names;
  for (const auto& [name, family] : families()) names.push_back(name);
  SERENDIP_CHECK(found != families().end(), "{}: 'model_type' is {}; supported: {}", fields.where(),
                 type.dump(), fmt::join(names, ", "));
  return found->second;
}

Activation read_activation(const ConfigFields& fields, const Family& family) {
  const char* name = fields.has("hidden_activation") ? "hidden_activation" : "hidden_act";
  const std::string text = fields.text(name, family.gemma ? "gelu_pytorch_tanh" : "silu");
  if (text == "silu") return Activation::kSilu;
  // Gemma's first releases say "gelu" and mean the approximation.
  if (text == "gelu_pytorch_tanh" || (text == "gelu" && family.gemma)) return Activation::kGeluTanh;
  fail("{}: '{}' is \"{}\"; supported: silu, gelu_pytorch_tanh", fields.where(), name, text);
}

void check_supported(const ConfigFields& fields) {
  fields.require("partial_rotary_factor", 1.0);
  SERENDIP_CHECK(!fields.has("quantization_config"),
                 "{}: 'quantization_config' is set; only unquantised weights are supported",
                 fields.where());
  for (const char* name : {"dtype", "torch_dtype"}) {
    const std::string dtype = fields.text(name, "float32");
    SERENDIP_CHECK(dtype == "float32" || dtype == "bfloat16" || dtype == "float16",
                   "{}: '{}' is \"{}\"; supported: float32, bfloat16, float16", fields.where(),
                   name, dtype);
  }
}

void read_sizes(const ConfigFields& fields, const Family& family, ModelConfig& config) {
  config.vocab_size = fields.size("vocab_size");
  config.hidden_size = fields.size("hidden_size");
  config.intermediate_size = fields.size("intermediate_size");
  config.num_hidden_layers = fields.size("num_hidden_layers");
  config.num_attention_heads = fields.size("num_attention_heads");
  config.num_key_value_heads = fields.size("num_key_value_heads", config.num_attention_heads);
  config.max_position_embeddings =
      fields.size("max_position_embeddings", kDefaultMaxPositionEmbeddings);
  if (fields.has("head_dim") || family.head_dim > 0) {
    config.head_dim = fields.size("head_dim", family.head_dim);
    return;
  }
  SERENDIP_CHECK(config.hidden_size % config.num_attention_heads == 0,
                 "{}: without 'head_dim', 'hidden_size' must be a multiple of "
                 "'num_attention_heads', got {} and {}",
                 fields.where(), config.hidden_size, config.num_attention_heads);
  config.head_dim = config.hidden_size / config.num_attention_heads;
}

void read_special_tokens(const ConfigFields& fields, const std::filesystem::path& model_folder,
                         ModelConfig& config) {
  const std::vector<int64_t> bos = fields.token_ids("bos_token_id");
  if (!bos.empty()) config.bos_token_id = bos.front();
  config.eos_token_id = fields.token_ids("eos_token_id");
  const std::filesystem::path generation = model_folder / "generation_config.json";
  if (!std::filesystem::exists(generation)) return;
  std::vector<int64_t> eos = ConfigFields(generation).token_ids("eos_token_id");
  if (eos.size() > config.eos_token_id.size()) config.eos_token_id = std::move(eos);
}

void check_shapes(const ModelConfig& config, const std::string& where) {
  const double attention_width = static_cast<double>(config.num_attention_heads * config.head_dim);
  const double width = 4.0 * attention_width + 3.0 * static_cast<double>(config.intermediate_size);
  const double parameters = static_cast<double>(config.hidden_size) *
                            (2.0 * static_cast<double>(config.vocab_size) +
                             static_cast<double>(config.num_hidden_layers) * width);
  SERENDIP_CHECK(parameters < kLargestModel,
                 "{}: the sizes make {:.1e} parameters, at most {:.0e} "
                 "are supported",
                 where, parameters, kLargestModel);
  SERENDIP_CHECK(config.num_attention_heads % config.num_key_value_heads == 0,
                 "{}: 'num_attention_heads' must be a multiple of 'num_key_value_heads', got {} "
                 "and {}",
                 where, config.num_attention_heads, config.num_key_value_heads);
  SERENDIP_CHECK(config.head_dim % 2 == 0, "{}: 'head_dim' must be even, got {}", where,
                 config.head_dim);
  std::vector<int64_t> ids = config.eos_token_id;
  if (config.bos_token_id) ids.push_back(*config.bos_token_id);
  for (const int64_t id : ids) {
    SERENDIP_CHECK(id < config.vocab_size,
                   "{}: special token id {} is outside the vocabulary of {}", where, id,
                   config.vocab_size);
  }
}

int64_t query_width(const ModelConfig& config) {
  return config.num_attention_heads * config.head_dim;
}

int64_t key_width(const ModelConfig& config) {
  return config.num_key_value_heads * config.head_dim;
}

int64_t matrix_weights(const ModelConfig& config) {
  return config.hidden_size *
         (2 * query_width(config) + 2 * key_width(config) + 3 * config.intermediate_size);
}

int64_t layer_weights(const ModelConfig& config) {
  int64_t vectors = (config.post_norms ? 4 : 2) * config.hidden_size;
  if (config.query_key_norm) vectors += 2 * config.head_dim;
  if (config.query_key_value_bias) vectors += query_width(config) + 2 * key_width(config);
  if (config.output_bias) vectors += config.hidden_size;
  if (config.mlp_bias) vectors += 2 * config.intermediate_size + config.hidden_size;
  return matrix_weights(config) + vectors;
}

}  // namespace

int64_t ModelConfig::parameter_count() const {
  const int64_t embeddings = vocab_size * hidden_size * (tie_word_embeddings ? 1 : 2);
  return embeddings + num_hidden_layers * layer_weights(*this) + hidden_size;
}

double ModelConfig::flops_per_token(bool with_vocabulary) const {
  double multiply_adds =
      static_cast<double>(num_hidden_layers) * static_cast<double>(matrix_weights(*this));
  if (with_vocabulary) multiply_adds += static_cast<double>(vocab_size * hidden_size);
  return 2.0 * multiply_adds;
}

ModelConfig load_model_config(const std::filesystem::path& model_folder) {
  const ConfigFields fields(model_folder / "config.json");
  const Family& family = family_of(fields);
  check_supported(fields);
  ModelConfig config;
  config.model_type = fields.text("model_type", "");
  read_sizes(fields, family, config);
  read_special_tokens(fields, model_folder, config);
  config.activation = read_activation(fields, family);
  config.rms_norm_eps = fields.positive("rms_norm_eps", 1e-6);
  config.full_attention.rope = read_rope(fields, "full_attention", 1e4);
  config.tie_word_embeddings = fields.flag("tie_word_embeddings", family.gemma);
  family.read(fields, config);
  check_shapes(config, fields.where());
  return config;
}

}  // namespace serendip
