// cluster_softmax_topk's tiles for the instructions that the whole build may use.
#include "kernels/cluster_softmax_topk_tile.inl"

namespace serendip::cluster_softmax_topk_host {

const TileFunctions* tile_functions_avx2() { return &kTileFunctions; }

}  // namespace serendip::cluster_softmax_topk_host
