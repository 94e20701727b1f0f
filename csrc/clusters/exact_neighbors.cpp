#include <algorithm>
#include <numeric>

#include "base/interrupt.h"
#include "base/progress.h"
#include "clusters/neighbor_search.h"
#include "clusters/tile_search.h"

namespace serendip {
namespace {

constexpr int64_t kTile = 64;
constexpr int64_t kBlock = 64 * kTile;  // between two looks at the interrupt flag

}  // namespace

NeighborLists exact_neighbors(const std::vector<float>& vectors, int64_t dim, int64_t neighbors) {
  const int64_t count = static_cast<int64_t>(vectors.size()) / dim;
  NeighborLists lists{neighbors, std::vector<int32_t>(static_cast<size_t>(count * neighbors), -1)};
  std::vector<int32_t> number(static_cast<size_t>(count));
  std::iota(number.begin(), number.end(), 0);
  const RowBlock all{vectors.data(), number};
  Progress progress("neighbours", count, "items");
  for (int64_t block = 0; block < count; block += kBlock) {
    throw_if_interrupted();
    const int64_t block_end = std::min(count, block + kBlock);
#pragma omp parallel for schedule(dynamic)
    for (int64_t begin = block; begin < block_end; begin += kTile) {
      const int64_t rows = std::min(kTile, block_end - begin);
      const RowBlock tile{vectors.data() + begin * dim,
                          all.index.subspan(static_cast<size_t>(begin), static_cast<size_t>(rows))};
      int32_t* out = lists.index.data() + begin * neighbors;
      for (const auto& best : best_rows(tile, all, dim, static_cast<size_t>(neighbors))) {
        std::transform(best.begin(), best.end(), out, [](const Scored& s) { return s.index; });
        out += neighbors;
      }
    }
    progress.advance(block_end - block);
  }
  return lists;
}

}  // namespace serendip
