// Inputs of cluster_softmax_topk for tests, and the comparison with its reference.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "kernels/cluster_softmax_topk_reference.h"
#include "kernels/float_types.h"

namespace serendip {

// To the nearest, ties to even.
inline BFloat16 to_bfloat16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  if (std::isnan(value)) return {static_cast<uint16_t>(bits >> 16 | 0x40)};
  return {static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

// To the nearest, ties to even; from 65520 on infinite.
inline Float16 to_float16(float value) {
  const float magnitude = std::fabs(value);
  uint32_t bits = 0x7e00;  // NaN
  if (magnitude >= 65520.0f) {
    bits = 0x7c00;
  } else if (!std::isnan(value)) {
    int exponent;
    std::frexp(magnitude, &exponent);
    // Of the last place, as a power of two.
    const int unit = magnitude < 0x1p-14f ? -24 : exponent - 11;
    // Normal numbers lie in [1024, 2048] units: their leading bit carries into the exponent.
    const long units = std::lrint(std::ldexp(magnitude, -unit));
    bits = static_cast<uint32_t>(unit + 24) * 1024 + static_cast<uint32_t>(units);
  }
  return {static_cast<uint16_t>(bits | (std::signbit(value) ? 0x8000 : 0))};
}

inline uint16_t bits_of(FloatType type, float value) {
  return type == FloatType::kBFloat16 ? to_bfloat16(value).bits : to_float16(value).bits;
}

inline float rounded_to(FloatType type, float value) {
  switch (type) {
    case FloatType::kBFloat16:
      return to_float(to_bfloat16(value));
    case FloatType::kFloat16:
      return to_float(to_float16(value));
    default:
      return value;
  }
}

struct Problem {
  std::vector<float> query, item_embedding;  // rounded to `type`
  std::vector<int64_t> cluster_offset{0}, row_offset{0}, row_cluster;
  int64_t width = 0, k = 0;
  FloatType type = FloatType::kFloat32;

  // Valid until a member is written or input() is called again; packs the values as they are now.
  ClusterSoftmaxTopkInput input() const {
    return {pack(query, packed_query_),
            pack(item_embedding, packed_item_embedding_),
            cluster_offset.data(),
            row_offset.data(),
            row_cluster.data(),
            type,
            static_cast<int64_t>(row_offset.size()) - 1,
            width,
            static_cast<int64_t>(cluster_offset.size()) - 1,
            k};
  }
  void add_row(const std::vector<int64_t>& clusters) {
    row_cluster.insert(row_cluster.end(), clusters.begin(), clusters.end());
    row_offset.push_back(static_cast<int64_t>(row_cluster.size()));
  }

 private:
  mutable std::vector<uint16_t> packed_query_, packed_item_embedding_;

  const void* pack(const std::vector<float>& values, std::vector<uint16_t>& packed) const {
    if (type == FloatType::kFloat32) return values.data();
    packed.resize(values.size());
    std::transform(values.begin(), values.end(), packed.begin(),
                   [this](float value) { return bits_of(type, value); });
    return packed.data();
  }
};

inline Problem random_problem(int64_t width, int64_t k, const std::vector<int64_t>& sizes,
                              const std::vector<std::vector<int64_t>>& rows, double scale = 1.0,
                              FloatType type = FloatType::kFloat32) {
  Problem problem;
  problem.width = width;
  problem.k = k;
  problem.type = type;
  Random random(17, static_cast<uint64_t>(width));
  const auto value = [&](double factor) {
    return rounded_to(type, static_cast<float>(factor * random.normal()));
  };
  for (const int64_t size : sizes)
    problem.cluster_offset.push_back(problem.cluster_offset.back() + size);
  for (int64_t at = 0; at < problem.cluster_offset.back() * width; ++at)
    problem.item_embedding.push_back(value(1.0));
  for (int64_t at = 0; at < static_cast<int64_t>(rows.size()) * width; ++at)
    problem.query.push_back(value(scale));
  for (const auto& row : rows) problem.add_row(row);
  return problem;
}

struct Result {
  std::vector<int64_t> ids;
  std::vector<float> log_prob, log_z;

  ClusterSoftmaxTopkOutput output() { return {ids.data(), log_prob.data(), log_z.data()}; }
};

// Room for the problem's result, full of values that no function leaves.
inline Result unwritten_result(const Problem& problem) {
  const auto rows = problem.row_offset.size() - 1, places = rows * static_cast<size_t>(problem.k);
  return {std::vector<int64_t>(places, -7), std::vector<float>(places, -7.0f),
          std::vector<float>(rows, -7.0f)};
}

// Of scores of order √width, in float sums of `width` products against double. A sum of values of
// order 1 drifts by its roundings, about width · 2⁻²⁴; a result of order 10 or 20 is itself rounded
// to 2⁻²⁰. The reference takes the values as they are stored and their products are exact in
// float32 for the 16-bit types, so the type does not matter.
inline double cluster_softmax_tolerance(int64_t width) {
  return 4 * 0x1p-24 * static_cast<double>(16 + width);
}

// -inf must be met exactly.
inline void expect_close(float actual, double expected, double tolerance,
                         const std::string& where) {
  if (std::isinf(expected))
    EXPECT_EQ(actual, expected) << where;
  else
    EXPECT_NEAR(actual, expected, tolerance) << where;
}

// The best of a row: the reference's, but two items whose scores differ by rounding may change
// places.
inline void expect_same_items(const Problem& problem, int64_t row, const int64_t* actual,
                              const ClusterSoftmaxTopkReference& expected, double tolerance) {
  std::set<int64_t> seen;
  for (int64_t rank = 0; rank < problem.k; ++rank) {
    const auto place = static_cast<size_t>(row * problem.k + rank);
    const std::string where = "row " + std::to_string(row) + ", rank " + std::to_string(rank);
    if (expected.ids[place] < 0) {
      EXPECT_EQ(actual[rank], -1) << where;
      continue;
    }
    EXPECT_TRUE(seen.insert(actual[rank]).second) << where << ": met before";
    if (actual[rank] == expected.ids[place]) continue;
    ASSERT_TRUE(cluster_softmax_sees(problem.input(), row, actual[rank]))
        << where << ": item " << actual[rank];
    EXPECT_NEAR(cluster_softmax_score(problem.input(), row, actual[rank]),
                cluster_softmax_score(problem.input(), row, expected.ids[place]), tolerance)
        << where << ": item " << actual[rank] << " for " << expected.ids[place];
  }
}

// `scale` is the size of the queries, where that is not of order 1.
inline void expect_reference(const Problem& problem, const Result& actual, double scale = 1.0) {
  const ClusterSoftmaxTopkReference expected = cluster_softmax_topk_reference(problem.input());
  const double tolerance = cluster_softmax_tolerance(problem.width) * scale;
  ASSERT_EQ(actual.ids.size(), expected.ids.size());
  for (size_t row = 0; row < expected.log_z.size(); ++row) {
    const auto first = static_cast<int64_t>(row) * problem.k;
    expect_same_items(problem, static_cast<int64_t>(row), actual.ids.data() + first, expected,
                      tolerance);
    expect_close(actual.log_z[row], expected.log_z[row], tolerance, "row " + std::to_string(row));
  }
  for (size_t at = 0; at < expected.ids.size(); ++at)
    expect_close(actual.log_prob[at], expected.log_prob[at], tolerance,
                 "place " + std::to_string(at));
}

}  // namespace serendip
