// A row of logits on the CPU: widened to float32, and its sum of exponentials.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/float_types.h"
#include "kernels/vector_math.h"

namespace serendip {

// `count` values from `values` on, which hold one of the kernels' types; float32 is not copied.
inline const float* widened(const void* values, FloatType type, int64_t count,
                            std::vector<float>& buffer) {
  if (type == FloatType::kFloat32) return static_cast<const float*>(values);
  buffer.resize(static_cast<size_t>(count));
  if (type == FloatType::kBFloat16) {
    const auto* narrow = static_cast<const BFloat16*>(values);
    std::transform(narrow, narrow + count, buffer.begin(), [](BFloat16 v) { return to_float(v); });
  } else {
    const auto* narrow = static_cast<const Float16*>(values);
    std::transform(narrow, narrow + count, buffer.begin(), [](Float16 v) { return to_float(v); });
  }
  return buffer.data();
}

// The row `row` of a [rows, width] matrix.
inline const void* row_of(const void* matrix, FloatType type, int64_t row, int64_t width) {
  const int64_t value_bytes = type == FloatType::kFloat32 ? 4 : 2;
  return static_cast<const char*>(matrix) + row * width * value_bytes;
}

// Σ exp(x) = total · exp(max).
struct RowSum {
  float max, total;
  float log() const { return max + std::log(total); }
};

inline RowSum row_sum(const float* values, int64_t count) {
  RowSum sum{*std::max_element(values, values + count), 0};
  const int64_t whole = count / kVectorLanes * kVectorLanes;
  Floats totals = broadcast(0);
  for (int64_t at = 0; at < whole; at += kVectorLanes)
    totals += exp_nonpositive(load_floats(values + at) - sum.max);
  for (int lane = 0; lane < kVectorLanes; ++lane) sum.total += totals[lane];
  for (int64_t at = whole; at < count; ++at) sum.total += std::exp(values[at] - sum.max);
  return sum;
}

}  // namespace serendip
