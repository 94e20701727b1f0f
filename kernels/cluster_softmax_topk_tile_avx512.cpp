// cluster_softmax_topk's tiles for AVX-512.
#ifdef __AVX512F__
#include "kernels/cluster_softmax_topk_tile.inl"

namespace serendip::cluster_softmax_topk_host {

const TileFunctions* tile_functions_avx512() { return &kTileFunctions; }

}  // namespace serendip::cluster_softmax_topk_host
#else
#include "kernels/cluster_softmax_topk_tile.h"

namespace serendip::cluster_softmax_topk_host {

const TileFunctions* tile_functions_avx512() { return nullptr; }

}  // namespace serendip::cluster_softmax_topk_host
#endif
