// The inverse of tree_attention's paths, which its CUDA backward pass walks.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "kernels/tree_attention_plan.h"

namespace serendip {

// Tensors of TreeAttentionKeyTiles; `row` and `seen` are as long as `path` and mean nothing from
// the last offset on.
struct KeyTileTensors {
  at::Tensor offset, row, seen;  // i64 [tiles + 1], i32, i32

  // path_offset i64 [T + 1], path i32, on any device, of which the host waits for nothing; window
  // as in kernels/tree_attention.h, 0 for none.
  KeyTileTensors(const at::Tensor& path_offset, const at::Tensor& path, int64_t key_rows,
                 int64_t window);

  TreeAttentionKeyTiles view() const;
};

}  // namespace serendip
