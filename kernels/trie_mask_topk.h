// The k best children of a trie node out of full-vocabulary logits: what constrained decoding asks
// after every forward pass.
//
// Contract, shared by the CPU and the CUDA form:
//   logits        [T, V], float32, bfloat16 or float16, contiguous; finite
//   child_offset  i64 [T + 1], ascending from 0: the children of row t's node begin with the tokens
//   child_token   i64 [C], within [0, V): child_token[child_offset[t] : child_offset[t + 1]]
// writes
//   child         i64 [T, k], places within the row's children by descending log-probability, then
//                 ascending place; -1 past the end
//   log_prob      f32 [T, k] = logits[t, token] - log_z[t]; -inf past the end
//   log_z         f32 [T] = log Σ_v exp(logits[t, v]), over the whole vocabulary
// Sums are float32.
#pragma once

#include <cstdint>

#include "kernels/float_types.h"

namespace serendip {

struct TrieMaskTopkInput {
  const void* logits;
  const int64_t* child_offset;
  const int64_t* child_token;
  FloatType type;      // of logits
  int64_t rows;        // T
  int64_t vocabulary;  // V
  int64_t k;           // at least 1
};

struct TrieMaskTopkOutput {
  int64_t* child;
  float* log_prob;
  float* log_z;
};

// On the CPU, rows over OpenMP threads; a row's result does not depend on the others.
void trie_mask_topk_cpu(const TrieMaskTopkInput& input, const TrieMaskTopkOutput& output);

}  // namespace serendip
