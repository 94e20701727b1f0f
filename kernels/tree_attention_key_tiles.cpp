#include "kernels/tree_attention_key_tiles.h"

namespace serendip {

using at::Tensor;

KeyTileTensors::KeyTileTensors(const Tensor& path_offset, const Tensor& path, int64_t key_rows,
                               int64_t window) {
  using tree_attention_device::kKeyTile;
  const int64_t tiles = tree_attention_device::tiles_of(key_rows, kKeyTile);
  const int64_t rows = path_offset.numel() - 1, entries = path.numel();
  const Tensor ends = path_offset.narrow(0, 1, rows);
  const Tensor place = at::arange(entries, path_offset.options());
  const Tensor path_row = at::searchsorted(ends, place, /*out_int32=*/false, /*right=*/true);
  Tensor tile = path.to(at::kLong).div(kKeyTile, "floor");
  if (window > 0)  // what no row sees goes behind all tiles
    tile = at::where(ends.index_select(0, path_row).sub(place) <= window, tile, tiles);

  const auto [sorted_tile, order] = at::sort(tile, /*stable=*/true, /*dim=*/0, false);
  const Tensor sorted_row = path_row.index_select(0, order);
  const Tensor before_all = at::full({1}, -1, place.options());
  const Tensor is_new =
      at::diff(sorted_tile * rows + sorted_row, /*n=*/1, /*dim=*/0, before_all).ne(0);
  const Tensor count = at::cat({at::zeros({1}, place.options()), is_new.cumsum(0, at::kLong)});
  const Tensor entry = count.narrow(0, 1, entries) - 1;
  const Tensor bit =
      at::bitwise_left_shift(at::ones_like(path), path.index_select(0, order).remainder(kKeyTile));
  // Several paths' places have one entry: its row is written several times, the same.
  row = at::zeros_like(path).scatter_(0, entry, sorted_row.to(at::kInt));
  seen = at::zeros_like(path).scatter_add_(0, entry, bit);
  offset =
      count.index_select(0, at::searchsorted(sorted_tile, at::arange(tiles + 1, place.options())));
}

TreeAttentionKeyTiles KeyTileTensors::view() const {
  return {offset.const_data_ptr<int64_t>(), row.const_data_ptr<int32_t>(),
          seen.const_data_ptr<int32_t>()};
}

}  // namespace serendip
