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
  // kLlama3 only.
  double low_freq_factor = 1, high_freq_factor = 4;
  int64_t original_max_position_embeddings = 8192;
};

// Radians a position of each pair of columns, [head_dim / 2]: θ^(-2i/head_dim), divided by `factor`
// for kLinear; for kLlama3 divided where the wavelength exceeds original / low_freq_factor, kept
// where it is under original / high_freq_factor, and interpolated between. kDynamic changes them
// only past the model's max_position_embeddings.
std::vector<double> rope_frequencies(const RopeConfig& rope, int64_t head_dim);

}  // namespace serendip
