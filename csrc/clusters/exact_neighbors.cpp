// Threads share out whole tiles, so Eigen itself must not split a product.
#define EIGEN_DONT_PARALLELIZE

#include <Eigen/Core>
#include <algorithm>

#include "base/interrupt.h"
#include "base/progress.h"
#include "clusters/neighbor_search.h"

namespace serendip {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstMap = Eigen::Map<const Matrix>;

constexpr int64_t kQueryTile = 64;
constexpr int64_t kBaseTile = 1024;

struct Scored {
  float score;
  int32_t index;
};

bool better(const Scored& a, const Scored& b) {
  return a.score != b.score ? a.score > b.score : a.index < b.index;
}

// Keeps the best `capacity` of what is offered, best first.
void offer(std::vector<Scored>& best, size_t capacity, Scored entry) {
  if (best.size() == capacity) {
    if (!better(entry, best.back())) return;
    best.pop_back();
  }
  best.insert(std::upper_bound(best.begin(), best.end(), entry, better), entry);
}

void search_tile(const float* vectors, int64_t count, int64_t dim, int64_t begin, int64_t end,
                 NeighborLists& lists) {
  const auto capacity = static_cast<size_t>(lists.neighbors);
  std::vector<std::vector<Scored>> best(static_cast<size_t>(end - begin));
  const ConstMap queries(vectors + begin * dim, end - begin, dim);
  Matrix scores;
  for (int64_t base = 0; base < count; base += kBaseTile) {
    const int64_t width = std::min(kBaseTile, count - base);
    scores.noalias() = queries * ConstMap(vectors + base * dim, width, dim).transpose();
    for (int64_t row = 0; row < end - begin; ++row) {
      std::vector<Scored>& mine = best[static_cast<size_t>(row)];
      for (int64_t column = 0; column < width; ++column) {
        const float score = scores(row, column);
        if (mine.size() == capacity && score < mine.back().score) continue;
        if (base + column == begin + row) continue;
        offer(mine, capacity, {score, static_cast<int32_t>(base + column)});
      }
    }
  }
  for (int64_t row = 0; row < end - begin; ++row) {
    int32_t* out = lists.index.data() + (begin + row) * lists.neighbors;
    for (const Scored& entry : best[static_cast<size_t>(row)]) *out++ = entry.index;
  }
}

}  // namespace

NeighborLists exact_neighbors(const std::vector<float>& vectors, int64_t dim, int64_t neighbors) {
  const int64_t count = static_cast<int64_t>(vectors.size()) / dim;
  NeighborLists lists{neighbors, std::vector<int32_t>(static_cast<size_t>(count * neighbors), -1)};
  const int64_t block = 64 * kQueryTile;
  Progress progress("neighbours", count, "items");
  for (int64_t block_begin = 0; block_begin < count; block_begin += block) {
    throw_if_interrupted();
    const int64_t block_end = std::min(count, block_begin + block);
#pragma omp parallel for schedule(dynamic)
    for (int64_t begin = block_begin; begin < block_end; begin += kQueryTile) {
      search_tile(vectors.data(), count, dim, begin, std::min(block_end, begin + kQueryTile),
                  lists);
    }
    progress.advance(block_end - block_begin);
  }
  return lists;
}

}  // namespace serendip
