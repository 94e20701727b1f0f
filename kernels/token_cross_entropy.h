// Cross-entropy of tokens over the full vocabulary, forward and backward in one call: the logits
// are replaced by their gradient, so that no second [rows, vocabulary] buffer is needed.
//
// Contract, shared by the CPU and the CUDA form:
//   logits         [T, V], float32, bfloat16 or float16, contiguous; finite
//   target_offset  i64 [T + 1], ascending from 0: row t predicts the tokens
//   target         i64 [L], within [0, V): target[target_offset[t] : target_offset[t + 1]]
//   weight         f32 [L], the gradient of the whole with respect to each loss
// writes
//   loss           f32 [L] = log Σ_v exp(logits[t, v]) - logits[t, target[i]]
//   logits[t, v] = Σ_{i of row t} weight[i] · (softmax(logits[t])[v] - [v = target[i]])
// Sums are float32. A row of a prefix tree may have several targets, one for each sample that runs
// through it, and a row without targets gets zeros.
#pragma once

#include <cstdint>

#include "kernels/float_types.h"

namespace serendip {

struct TokenCrossEntropyInput {
  void* logits;
  const int64_t* target_offset;
  const int64_t* target;
  const float* weight;
  FloatType type;      // of logits
  int64_t rows;        // T
  int64_t vocabulary;  // V
};

// On the CPU, rows over OpenMP threads; a row's result does not depend on the others.
void token_cross_entropy_cpu(const TokenCrossEntropyInput& input, float* loss);

// The same in float64 throughout, as gradient checks want it.
void token_cross_entropy_cpu(double* logits, const int64_t* target_offset, const int64_t* target,
                             const double* weight, int64_t rows, int64_t vocabulary, double* loss);

}  // namespace serendip
