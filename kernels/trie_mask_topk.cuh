// The CUDA form of trie_mask_topk (contract: kernels/trie_mask_topk.h).
#pragma once

#include <cuda_runtime.h>

#include "kernels/trie_mask_topk.h"

namespace serendip {

// All pointers in device memory; offsets and tokens are trusted; k at most 256. Asynchronous on
// `stream`; throws std::runtime_error naming what is refused, expected and actual.
void trie_mask_topk_cuda(const TrieMaskTopkInput& input, const TrieMaskTopkOutput& output,
                         cudaStream_t stream);

}  // namespace serendip
