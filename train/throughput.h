// How fast a training step is, beside what the machine's matrix products allow.
#pragma once

#include <torch/types.h>

#include "lm/config.h"
#include "train/packing.h"

namespace serendip {

// FLOP/s of square matrix products of this dtype and device, the best of a few; takes a quarter of
// a second.
double measure_gemm_rate(const torch::TensorOptions& options);

// FLOPs of one pass over a pack, its attention and adapters not counted. A product counts once
// forward and, backward, once for its input and, where weights are trained (full), once for these;
// recomputed layers run forward twice.
double training_flops(const ModelConfig& config, const PackedSamples& packed, bool full,
                      bool recompute);

}  // namespace serendip
