#include "lm/rope_config.h"

#include "base/check.h"

namespace serendip {
namespace {

RopeType parse_type(const ConfigFields& rope) {
  // Newer files say "rope_type", older ones "type".
  const std::string type = rope.text("rope_type", rope.text("type", "default"));
  if (type == "default") return RopeType::kDefault;
  if (type == "linear") return RopeType::kLinear;
  if (type == "dynamic") return RopeType::kDynamic;
  if (type == "llama3") return RopeType::kLlama3;
  fail("{}: 'rope_type' is \"{}\"; supported: default, linear, dynamic, llama3", rope.where(),
       type);
}

// `length`: the model's max_position_embeddings.
RopeConfig read_object(const ConfigFields& rope, double theta, int64_t length) {
  RopeConfig config;
  rope.require("partial_rotary_factor", 1.0);
  config.theta = rope.positive("rope_theta", theta);
  config.type = parse_type(rope);
  if (config.type == RopeType::kDefault) return config;
  config.factor = rope.positive("factor");
  config.original_max_position_embeddings = length;
  if (config.type != RopeType::kLlama3) return config;
  config.low_freq_factor = rope.positive("low_freq_factor");
  config.high_freq_factor = rope.positive("high_freq_factor");
  config.original_max_position_embeddings = rope.size("original_max_position_embeddings");
  SERENDIP_CHECK(config.low_freq_factor < config.high_freq_factor,
                 "{}: 'low_freq_factor' must be below 'high_freq_factor', got {} and {}",
                 rope.where(), config.low_freq_factor, config.high_freq_factor);
  return config;
}

}  // namespace

RopeConfig read_rope(const ConfigFields& fields, const char* layer_type, double theta) {
  const double named = fields.positive("rope_theta", theta);
  const int64_t length = fields.size("max_position_embeddings", kDefaultMaxPositionEmbeddings);
  if (fields.has("rope_parameters")) {
    const ConfigFields rope = fields.object("rope_parameters");
    return read_object(rope.at(layer_type).is_object() ? rope.object(layer_type) : rope, named,
                       length);
  }
  return read_object(fields.object("rope_scaling"), named, length);
}

}  // namespace serendip
