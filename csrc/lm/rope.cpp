#include "lm/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace serendip {
namespace {

double llama3_frequency(const RopeConfig& rope, double frequency) {
  const auto original = static_cast<double>(rope.original_max_position_embeddings);
  const double turns = original * frequency / (2 * std::numbers::pi);  // over the original context
  const double kept = std::clamp(
      (turns - rope.low_freq_factor) / (rope.high_freq_factor - rope.low_freq_factor), 0.0, 1.0);
  return frequency * (kept + (1 - kept) / rope.factor);
}

double theta_for(const RopeConfig& rope, int64_t head_dim, int64_t length) {
  if (rope.type != RopeType::kDynamic || length <= rope.original_max_position_embeddings)
    return rope.theta;
  const double stretch =
      static_cast<double>(length) / static_cast<double>(rope.original_max_position_embeddings);
  const auto dimension = static_cast<double>(head_dim);
  return rope.theta *
         std::pow(rope.factor * stretch - rope.factor + 1, dimension / (dimension - 2));
}

}  // namespace

std::vector<double> rope_frequencies(const RopeConfig& rope, int64_t head_dim, int64_t length) {
  const double theta = theta_for(rope, head_dim, length);
  std::vector<double> frequencies;
  for (int64_t i = 0; i < head_dim; i += 2) {
    const double frequency =
        std::pow(theta, -static_cast<double>(i) / static_cast<double>(head_dim));
    switch (rope.type) {
      case RopeType::kDefault:
      case RopeType::kDynamic:
        frequencies.push_back(frequency);
        break;
      case RopeType::kLinear:
        frequencies.push_back(frequency / rope.factor);
        break;
      case RopeType::kLlama3:
        frequencies.push_back(llama3_frequency(rope, frequency));
        break;
    }
  }
  return frequencies;
}

}  // namespace serendip
