// Inputs of cluster_softmax_topk for tests, and the comparison with its reference.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "kernels/cluster_softmax_topk_reference.h"

namespace serendip {

struct Problem {
  std::vector<float> query, item_embedding;
  std::vector<int64_t> cluster_offset{0}, row_offset{0}, row_cluster;
  int64_t width = 0, k = 0;

  ClusterSoftmaxTopkInput input() const {
    return {query.data(),
            item_embedding.data(),
            cluster_offset.data(),
            row_offset.data(),
            row_cluster.data(),
            static_cast<int64_t>(row_offset.size()) - 1,
            width,
            static_cast<int64_t>(cluster_offset.size()) - 1,
            k};
  }
  void add_row(const std::vector<int64_t>& clusters) {
    row_cluster.insert(row_cluster.end(), clusters.begin(), clusters.end());
    row_offset.push_back(static_cast<int64_t>(row_cluster.size()));
  }
};

inline Problem random_problem(int64_t width, int64_t k, const std::vector<int64_t>& sizes,
                              const std::vector<std::vector<int64_t>>& rows, double scale = 1.0) {
  Problem problem;
  problem.width = width;
  problem.k = k;
  Random random(17, static_cast<uint64_t>(width));
  for (const int64_t size : sizes)
    problem.cluster_offset.push_back(problem.cluster_offset.back() + size);
  for (int64_t at = 0; at < problem.cluster_offset.back() * width; ++at)
    problem.item_embedding.push_back(static_cast<float>(random.normal()));
  for (int64_t at = 0; at < static_cast<int64_t>(rows.size()) * width; ++at)
    problem.query.push_back(static_cast<float>(scale * random.normal()));
  for (const auto& row : rows) problem.add_row(row);
  return problem;
}

struct Result {
  std::vector<int64_t> ids;
  std::vector<float> log_prob, log_z;
};

// Float sums of d products against double: a few units in the last place of the largest score.
constexpr double kClusterSoftmaxTolerance = 2e-5;

// -inf must be met exactly.
inline void expect_close(float actual, double expected, double tolerance,
                         const std::string& where) {
  if (std::isinf(expected))
    EXPECT_EQ(actual, expected) << where;
  else
    EXPECT_NEAR(actual, expected, tolerance) << where;
}

// `scale` is the size of the scores, where that is not of order 1.
inline void expect_reference(const Problem& problem, const Result& actual, double scale = 1.0) {
  const ClusterSoftmaxTopkReference expected = cluster_softmax_topk_reference(problem.input());
  const double tolerance = kClusterSoftmaxTolerance * scale;
  EXPECT_EQ(actual.ids, expected.ids);
  for (size_t at = 0; at < expected.ids.size(); ++at)
    expect_close(actual.log_prob[at], expected.log_prob[at], tolerance,
                 "place " + std::to_string(at));
  for (size_t row = 0; row < expected.log_z.size(); ++row)
    expect_close(actual.log_z[row], expected.log_z[row], tolerance, "row " + std::to_string(row));
}

}  // namespace serendip
