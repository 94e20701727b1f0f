// Rotary embedding settings in both spellings of config.json.
#pragma once

#include "lm/config_fields.h"
#include "lm/rope.h"

namespace serendip {

// Of config.json files that do not say.
constexpr int64_t kDefaultMaxPositionEmbeddings = 2048;

// The settings of layers of type `layer_type` ("full_attention", "sliding_attention"): from
// "rope_parameters", flat or nested by layer type, or from "rope_theta" and "rope_scaling" of older
// files; `theta` where none is named. Throws Error for an unsupported type or a missing factor.
RopeConfig read_rope(const ConfigFields& fields, const char* layer_type, double theta);

}  // namespace serendip
