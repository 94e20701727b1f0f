// Inputs of token_cross_entropy for tests, and the comparison with its plain definition in double.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "kernels/token_cross_entropy.h"
#include "tests/kernels/packed_floats.h"

namespace serendip {

struct TokenCrossEntropyProblem {
  PackedFloats logits;  // [T, V]; overwritten by a run
  std::vector<int64_t> target_offset{0}, target;
  std::vector<float> weight;
  int64_t vocabulary = 0;

  int64_t rows() const { return static_cast<int64_t>(target_offset.size()) - 1; }
  TokenCrossEntropyInput input() {
    return {logits.data(), target_offset.data(), target.data(),
            weight.data(), logits.type(),        rows(),
            vocabulary};
  }
};

// Rows with the given numbers of targets; a token may be wanted twice.
inline TokenCrossEntropyProblem random_token_problem(int64_t vocabulary,
                                                     const std::vector<int64_t>& targets,
                                                     double scale, FloatType type) {
  TokenCrossEntropyProblem problem;
  problem.vocabulary = vocabulary;
  Random random(5, static_cast<uint64_t>(vocabulary));
  std::vector<float> logits;
  for (const int64_t count : targets) {
    for (int64_t v = 0; v < vocabulary; ++v)
      logits.push_back(static_cast<float>(scale * random.normal()));
    for (int64_t i = 0; i < count; ++i) {
      const auto choices =
          static_cast<uint64_t>(i % 2 == 0 ? vocabulary : std::min<int64_t>(2, vocabulary));
      problem.target.push_back(static_cast<int64_t>(random.below(choices)));
      problem.weight.push_back(static_cast<float>(0.1 + random.uniform()));
    }
    problem.target_offset.push_back(static_cast<int64_t>(problem.target.size()));
  }
  problem.logits = PackedFloats(logits, type);
  return problem;
}

// Compares what a run left in `after` (logits) and `loss` with the definition on `before`.
inline void expect_token_cross_entropy(const TokenCrossEntropyProblem& before,
                                       const PackedFloats& after, const std::vector<float>& loss) {
  const int64_t vocabulary = before.vocabulary;
  // Float sums of exponentials; the gradient is rounded to the logits' type once.
  const double unit = rounding_of(before.logits.type());
  for (int64_t t = 0; t < before.rows(); ++t) {
    const auto logit = [&](int64_t v) {
      return static_cast<double>(before.logits[static_cast<size_t>(t * vocabulary + v)]);
    };
    double largest = logit(0), sum = 0;
    for (int64_t v = 1; v < vocabulary; ++v) largest = std::max(largest, logit(v));
    for (int64_t v = 0; v < vocabulary; ++v) sum += std::exp(logit(v) - largest);
    const double log_z = largest + std::log(sum);
    std::vector<double> gradient(static_cast<size_t>(vocabulary), 0.0);
    const auto first = static_cast<size_t>(before.target_offset[static_cast<size_t>(t)]),
               last = static_cast<size_t>(before.target_offset[static_cast<size_t>(t) + 1]);
    double row_weight = 0;
    for (size_t i = first; i < last; ++i) {
      EXPECT_NEAR(loss[i], log_z - logit(before.target[i]), 1e-5 * (1 + std::abs(log_z)))
          << "loss " << i;
      row_weight += static_cast<double>(before.weight[i]);
      gradient[static_cast<size_t>(before.target[i])] -= static_cast<double>(before.weight[i]);
    }
    for (int64_t v = 0; v < vocabulary; ++v) {
      double& expected = gradient[static_cast<size_t>(v)];
      expected += row_weight * std::exp(logit(v) - log_z);
      ASSERT_NEAR(after[static_cast<size_t>(t * vocabulary + v)], expected,
                  2e-5 * row_weight + unit * std::abs(expected) + 1e-7)
          << "row " << t << ", token " << v;
    }
  }
}

}  // namespace serendip
