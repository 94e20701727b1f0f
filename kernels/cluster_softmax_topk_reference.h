// The plain definition of cluster_softmax_topk in double precision, for tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "kernels/cluster_softmax_topk.h"

namespace serendip {

struct ClusterSoftmaxTopkReference {
  std::vector<int64_t> ids;             // [B, k]
  std::vector<double> log_prob, log_z;  // [B, k], [B]
};

inline double value_at(const void* values, FloatType type, int64_t at) {
  switch (type) {
    case FloatType::kBFloat16:
      return static_cast<double>(to_float(static_cast<const BFloat16*>(values)[at]));
    case FloatType::kFloat16:
      return static_cast<double>(to_float(static_cast<const Float16*>(values)[at]));
    default:
      return static_cast<double>(static_cast<const float*>(values)[at]);
  }
}

inline double cluster_softmax_score(const ClusterSoftmaxTopkInput& input, int64_t row,
                                    int64_t item) {
  double score = 0.0;
  for (int64_t column = 0; column < input.width; ++column)
    score += value_at(input.query, input.type, row * input.width + column) *
             value_at(input.item_embedding, input.type, item * input.width + column);
  return score;
}

// Whether the item is in one of the row's clusters.
inline bool cluster_softmax_sees(const ClusterSoftmaxTopkInput& input, int64_t row, int64_t item) {
  return std::any_of(input.row_cluster + input.row_offset[row],
                     input.row_cluster + input.row_offset[row + 1], [&](int64_t cluster) {
                       return input.cluster_offset[cluster] <= item &&
                              item < input.cluster_offset[cluster + 1];
                     });
}

inline ClusterSoftmaxTopkReference cluster_softmax_topk_reference(
    const ClusterSoftmaxTopkInput& input) {
  constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();
  ClusterSoftmaxTopkReference result;
  for (int64_t row = 0; row < input.query_count; ++row) {
    const std::set<int64_t> clusters(input.row_cluster + input.row_offset[row],
                                     input.row_cluster + input.row_offset[row + 1]);
    std::vector<std::pair<double, int64_t>> scores;  // (-score, id): sorts best first, ties by id
    for (const int64_t cluster : clusters)
      for (int64_t item = input.cluster_offset[cluster]; item < input.cluster_offset[cluster + 1];
           ++item)
        scores.emplace_back(-cluster_softmax_score(input, row, item), item);
    std::sort(scores.begin(), scores.end());
    double sum = 0.0;
    for (const auto& [negative, item] : scores) sum += std::exp(scores.front().first - negative);
    const double log_z = scores.empty() ? kMinusInfinity : std::log(sum) - scores.front().first;
    result.log_z.push_back(log_z);
    for (size_t rank = 0; rank < static_cast<size_t>(input.k); ++rank) {
      const bool inside = rank < scores.size();
      result.ids.push_back(inside ? scores[rank].second : -1);
      result.log_prob.push_back(inside ? -scores[rank].first - log_z : kMinusInfinity);
    }
  }
  return result;
}

}  // namespace serendip
