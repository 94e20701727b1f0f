#include "lm/config.h"

#include "base/check.h"
#include "lm/json_file.h"

namespace serendip {
namespace {

using nlohmann::json;

constexpr const char* kSupportedModelTypes = "llama";
constexpr int64_t kLargestSize = int64_t{1} << 31;
constexpr double kLargestModel = 1e15;  // parameters; keeps all products of sizes within int64

// One config.json; every reader throws Error naming file, field, expected and actual.
class Fields {
 public:
  explicit Fields(const std::filesystem::path& path)
      : where_(path.string()), values_(read_json_object(path)) {}

  const std::string& where() const { return where_; }
  // Null when absent.
  const json& at(const char* name) const {
    static const json absent;
    const auto found = values_.find(name);
    return found == values_.end() ? absent : *found;
  }

  int64_t size(const char* name) const {
    const json& value = at(name);
    SERENDIP_CHECK(!value.is_null(), "{}: '{}' is missing", where_, name);
    SERENDIP_CHECK(value.is_number_integer() && value > 0 && value < kLargestSize,
                   "{}: '{}': expected a positive integer, got {}", where_, name, value.dump());
    return value.get<int64_t>();
  }
  int64_t size(const char* name, int64_t otherwise) const {
    return at(name).is_null() ? otherwise : size(name);
  }
  double positive(const char* name, const json& value, double otherwise) const {
    if (value.is_null()) return otherwise;
    SERENDIP_CHECK(value.is_number() && value > 0.0, "{}: '{}': expected a number above 0, got {}",
                   where_, name, value.dump());
    return value.get<double>();
  }
  bool flag(const char* name) const {
    const json& value = at(name);
    if (value.is_null()) return false;
    SERENDIP_CHECK(value.is_boolean(), "{}: '{}': expected true or false, got {}", where_, name,
                   value.dump());
    return value.get<bool>();
  }
  // The field's value must be `supported`, or absent.
  void require(const char* name, const json& supported) const {
    SERENDIP_CHECK(at(name).is_null() || at(name) == supported,
                   "{}: '{}' is {}; only {} is supported", where_, name, at(name).dump(),
                   supported.dump());
  }

 private:
  std::string where_;
  json values_;
};

RopeType parse_rope_type(const Fields& fields, const char* name, const json& rope) {
  // Newer files say "rope_type", older ones "type".
  const json type = rope.value("rope_type", rope.value("type", json("default")));
  if (type == "default") return RopeType::kDefault;
  if (type == "linear") return RopeType::kLinear;
  if (type == "dynamic") return RopeType::kDynamic;
  if (type == "llama3") return RopeType::kLlama3;
  fail("{}: '{}.rope_type' is {}; supported: default, linear, dynamic, llama3", fields.where(),
       name, type.dump());
}

// From "rope_parameters" of newer files, or "rope_theta" and "rope_scaling" of older ones.
RopeConfig read_rope(const Fields& fields) {
  RopeConfig config;
  config.theta = fields.positive("rope_theta", fields.at("rope_theta"), config.theta);
  for (const char* name : {"rope_parameters", "rope_scaling"}) {
    const json& rope = fields.at(name);
    if (rope.is_null()) continue;
    SERENDIP_CHECK(rope.is_object(), "{}: '{}': expected an object, got {}", fields.where(), name,
                   rope.dump());
    const json rotary = rope.value("partial_rotary_factor", json(1.0));
    SERENDIP_CHECK(rotary == 1.0, "{}: '{}.partial_rotary_factor' is {}; only 1 is supported",
                   fields.where(), name, rotary.dump());
    const auto number = [&](const char* key, double otherwise, bool required) {
      const json value = rope.value(key, json());
      SERENDIP_CHECK(!required || !value.is_null(), "{}: '{}.{}' is missing", fields.where(), name,
                     key);
      return fields.positive(key, value, otherwise);
    };
    config.theta = number("rope_theta", config.theta, false);
    config.type = parse_rope_type(fields, name, rope);
    if (config.type == RopeType::kDefault) continue;
    config.factor = number("factor", 1, true);
    if (config.type != RopeType::kLlama3) continue;
    config.low_freq_factor = number("low_freq_factor", 1, true);
    config.high_freq_factor = number("high_freq_factor", 4, true);
    config.original_max_position_embeddings =
        static_cast<int64_t>(number("original_max_position_embeddings", 0, true));
    SERENDIP_CHECK(config.low_freq_factor < config.high_freq_factor,
                   "{}: '{}.low_freq_factor' must be below 'high_freq_factor', got {} and {}",
                   fields.where(), name, config.low_freq_factor, config.high_freq_factor);
  }
  return config;
}

std::vector<int64_t> read_token_ids(const Fields& fields, const char* name) {
  const json& value = fields.at(name);
  if (value.is_null()) return {};
  std::vector<int64_t> ids;
  for (const json& id : value.is_array() ? value : json::array({value})) {
    SERENDIP_CHECK(id.is_number_integer() && id >= 0 && id < kLargestSize,
                   "{}: '{}': expected a token id or a list of them, got {}", fields.where(), name,
                   value.dump());
    ids.push_back(id.get<int64_t>());
  }
  return ids;
}

void check_supported(const Fields& fields) {
  const json& model_type = fields.at("model_type");
  SERENDIP_CHECK(model_type == "llama", "{}: 'model_type' is {}; supported: {}", fields.where(),
                 model_type.dump(), kSupportedModelTypes);
  fields.require("hidden_act", "silu");
  fields.require("partial_rotary_factor", 1.0);
  SERENDIP_CHECK(fields.at("quantization_config").is_null(),
                 "{}: 'quantization_config' is set; only unquantised weights are supported",
                 fields.where());
  for (const char* name : {"dtype", "torch_dtype"}) {
    const json& dtype = fields.at(name);
    SERENDIP_CHECK(
        dtype.is_null() || dtype == "float32" || dtype == "bfloat16" || dtype == "float16",
        "{}: '{}' is {}; supported: float32, bfloat16, float16", fields.where(), name,
        dtype.dump());
  }
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

int64_t weights_per_layer(const ModelConfig& config) {
  const int64_t query_width = config.num_attention_heads * config.head_dim;
  const int64_t key_width = config.num_key_value_heads * config.head_dim;
  return config.hidden_size * (2 * query_width + 2 * key_width + 3 * config.intermediate_size);
}

int64_t biases_per_layer(const ModelConfig& config) {
  const int64_t query_width = config.num_attention_heads * config.head_dim;
  const int64_t key_width = config.num_key_value_heads * config.head_dim;
  return (config.attention_bias ? query_width + 2 * key_width + config.hidden_size : 0) +
         (config.mlp_bias ? 2 * config.intermediate_size + config.hidden_size : 0);
}

}  // namespace

int64_t ModelConfig::parameter_count() const {
  const int64_t embeddings = vocab_size * hidden_size * (tie_word_embeddings ? 1 : 2);
  const int64_t layer = weights_per_layer(*this) + biases_per_layer(*this) + 2 * hidden_size;
  return embeddings + num_hidden_layers * layer + hidden_size;
}

double ModelConfig::flops_per_token(bool with_vocabulary) const {
  double multiply_adds =
      static_cast<double>(num_hidden_layers) * static_cast<double>(weights_per_layer(*this));
  if (with_vocabulary) multiply_adds += static_cast<double>(vocab_size * hidden_size);
  return 2.0 * multiply_adds;
}

ModelConfig load_model_config(const std::filesystem::path& model_folder) {
  const Fields fields(model_folder / "config.json");
  check_supported(fields);
  ModelConfig config;
  config.model_type = fields.at("model_type").get<std::string>();
  config.vocab_size = fields.size("vocab_size");
  config.hidden_size = fields.size("hidden_size");
  config.intermediate_size = fields.size("intermediate_size");
  config.num_hidden_layers = fields.size("num_hidden_layers");
  config.num_attention_heads = fields.size("num_attention_heads");
  config.num_key_value_heads = fields.size("num_key_value_heads", config.num_attention_heads);
  if (fields.at("head_dim").is_null()) {
    SERENDIP_CHECK(config.hidden_size % config.num_attention_heads == 0,
                   "{}: without 'head_dim', 'hidden_size' must be a multiple of "
                   "'num_attention_heads', got {} and {}",
                   fields.where(), config.hidden_size, config.num_attention_heads);
  }
  config.head_dim = fields.size(
      "head_dim", std::max<int64_t>(1, config.hidden_size / config.num_attention_heads));
  config.max_position_embeddings = fields.size("max_position_embeddings", 2048);
  // What `transformers` takes where the field is absent.
  config.rms_norm_eps = fields.positive("rms_norm_eps", fields.at("rms_norm_eps"), 1e-6);
  config.rope = read_rope(fields);
  config.attention_bias = fields.flag("attention_bias");
  config.mlp_bias = fields.flag("mlp_bias");
  config.tie_word_embeddings = fields.flag("tie_word_embeddings");
  const std::vector<int64_t> bos = read_token_ids(fields, "bos_token_id");
  if (!bos.empty()) config.bos_token_id = bos.front();
  config.eos_token_id = read_token_ids(fields, "eos_token_id");
  const std::filesystem::path generation = model_folder / "generation_config.json";
  if (std::filesystem::exists(generation)) {
    std::vector<int64_t> eos = read_token_ids(Fields(generation), "eos_token_id");
    if (eos.size() > config.eos_token_id.size()) config.eos_token_id = std::move(eos);
  }
  check_shapes(config, fields.where());
  return config;
}

}  // namespace serendip
