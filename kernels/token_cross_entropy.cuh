// The CUDA form of token_cross_entropy (contract: kernels/token_cross_entropy.h).
#pragma once

#include <cuda_runtime.h>

#include "kernels/token_cross_entropy.h"

namespace serendip {

// All pointers in device memory; offsets and targets are trusted. Asynchronous on `stream`; throws
// std::runtime_error where the launch is refused.
void token_cross_entropy_cuda(const TokenCrossEntropyInput& input, float* loss,
                              cudaStream_t stream);

}  // namespace serendip
