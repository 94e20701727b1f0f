// Rotary position embedding (Su et al. 2021) and the scalings of its frequencies that Llama models
// use.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace serendip {

enum class RopeType { kDefault, kLinear, kDynamic, kLlama3 };

struct RopeConfig {
  RopeType type = RopeType::kDefault;
  double theta = 10000.0;
  double factor = 1;  // all but kDefault
  // kLlama3: of the model before its context was extended; kDynamic: max_position_embeddings.
  int64_t original_max_position_embeddings = 8192;
  double low_freq_factor = 1, high_freq_factor = 4;  // kLlama3 only
};

// Radians a position of each pair of columns, [head_dim / 2], in sequences of `length` tokens:
// θ^(-2i/head_dim), divided by `factor` for kLinear; for kLlama3 divided where the wavelength
// exceeds original / low_freq_factor, kept where it is under original / high_freq_factor, and
// interpolated between. For kDynamic a length over the original turns θ into
// θ·(factor·length/original − factor + 1)^(d/(d−2)).
std::vector<double> rope_frequencies(const RopeConfig& rope, int64_t head_dim, int64_t length);

}  // namespace serendip
