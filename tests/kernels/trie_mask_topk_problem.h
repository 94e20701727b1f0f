// Inputs of trie_mask_topk for tests, and the comparison with its plain definition in double.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "kernels/trie_mask_topk.h"
#include "tests/kernels/packed_floats.h"

namespace serendip {

struct TrieMaskTopkProblem {
  PackedFloats logits;  // [T, V]
  std::vector<int64_t> child_offset{0}, child_token;
  int64_t vocabulary = 0, k = 0;

  int64_t rows() const { return static_cast<int64_t>(child_offset.size()) - 1; }
  TrieMaskTopkInput input() {
    return {logits.data(),
            child_offset.data(),
            child_token.data(),
            logits.type(),
            rows(),
            vocabulary,
            k};
  }
};

struct TrieMaskTopkResult {
  std::vector<int64_t> child;
  std::vector<float> log_prob, log_z;
};

// Distinct children tokens a row, as a trie has them; logits on a coarse grid so that scores tie.
inline TrieMaskTopkProblem random_trie_problem(int64_t vocabulary, int64_t k,
                                               const std::vector<int64_t>& children, double scale,
                                               FloatType type) {
  TrieMaskTopkProblem problem;
  problem.vocabulary = vocabulary;
  problem.k = k;
  Random random(9, static_cast<uint64_t>(vocabulary + k));
  std::vector<float> logits;
  std::vector<int64_t> tokens(static_cast<size_t>(vocabulary));
  for (const int64_t count : children) {
    for (int64_t v = 0; v < vocabulary; ++v) {
      logits.push_back(static_cast<float>(scale * std::round(4 * random.normal()) / 4));
      tokens[static_cast<size_t>(v)] = v;
    }
    random.shuffle(tokens);
    problem.child_token.insert(problem.child_token.end(), tokens.begin(), tokens.begin() + count);
    problem.child_offset.push_back(static_cast<int64_t>(problem.child_token.size()));
  }
  problem.logits = PackedFloats(logits, type);
  return problem;
}

inline void expect_trie_mask_topk(const TrieMaskTopkProblem& problem,
                                  const TrieMaskTopkResult& actual) {
  for (int64_t t = 0; t < problem.rows(); ++t) {
    const auto logit = [&](int64_t v) {
      return static_cast<double>(problem.logits[static_cast<size_t>(t * problem.vocabulary + v)]);
    };
    double largest = logit(0), sum = 0;
    for (int64_t v = 1; v < problem.vocabulary; ++v) largest = std::max(largest, logit(v));
    for (int64_t v = 0; v < problem.vocabulary; ++v) sum += std::exp(logit(v) - largest);
    const double log_z = largest + std::log(sum), tolerance = 1e-5 * (1 + std::abs(log_z));
    EXPECT_NEAR(actual.log_z[static_cast<size_t>(t)], log_z, tolerance) << "row " << t;
    const int64_t first = problem.child_offset[static_cast<size_t>(t)];
    std::vector<std::pair<double, int64_t>> order;  // (-logit, place)
    for (int64_t i = first; i < problem.child_offset[static_cast<size_t>(t) + 1]; ++i)
      order.emplace_back(-logit(problem.child_token[static_cast<size_t>(i)]), i - first);
    std::sort(order.begin(), order.end());
    for (int64_t rank = 0; rank < problem.k; ++rank) {
      const auto at = static_cast<size_t>(t * problem.k + rank);
      const auto place = static_cast<size_t>(rank);
      if (place >= order.size()) {
        EXPECT_EQ(actual.child[at], -1);
        EXPECT_EQ(actual.log_prob[at], -INFINITY);
        continue;
      }
      EXPECT_EQ(actual.child[at], order[place].second) << "row " << t << ", rank " << rank;
      EXPECT_NEAR(actual.log_prob[at], -order[place].first - log_z, tolerance);
    }
  }
}

}  // namespace serendip
