// cluster_softmax_topk's tiles for AVX-512.
#ifdef __AVX512F__
#include "kernels/cluster_softmax_topk_tile.inl"

namespace serendip {

const TileFunctions* tile_functions_avx512() { return &kTileFunctions; }

}  // namespace serendip
#else
#include "kernels/cluster_softmax_topk_tile.h"

namespace serendip {

const TileFunctions* tile_functions_avx512() { return nullptr; }

}  // namespace serendip
#endif
