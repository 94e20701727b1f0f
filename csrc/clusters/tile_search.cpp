// Callers share tiles out among threads, so Eigen itself must not split a product.
#define EIGEN_DONT_PARALLELIZE

#include "clusters/tile_search.h"

#include <Eigen/Core>
#include <algorithm>

namespace serendip {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstMap = Eigen::Map<const Matrix>;

constexpr int64_t kQueryTile = 64;
constexpr int64_t kBaseTile = 1024;

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

}  // namespace

std::vector<std::vector<Scored>> best_rows(const RowBlock& queries, const RowBlock& base,
                                           int64_t dim, size_t capacity) {
  const auto query_count = static_cast<int64_t>(queries.index.size());
  const auto base_count = static_cast<int64_t>(base.index.size());
  std::vector<std::vector<Scored>> best(queries.index.size());
  Matrix scores;
  for (int64_t top = 0; top < query_count; top += kQueryTile) {
    const int64_t height = std::min(kQueryTile, query_count - top);
    const ConstMap query_tile(queries.values + top * dim, height, dim);
    for (int64_t left = 0; left < base_count; left += kBaseTile) {
      const int64_t width = std::min(kBaseTile, base_count - left);
      const ConstMap base_tile(base.values + left * dim, width, dim);
      scores.noalias() = query_tile * base_tile.transpose();
      for (int64_t row = 0; row < height; ++row) {
        std::vector<Scored>& mine = best[static_cast<size_t>(top + row)];
        const int32_t own = queries.index[static_cast<size_t>(top + row)];
        for (int64_t column = 0; column < width; ++column) {
          const float score = scores(row, column);
          if (mine.size() == capacity && score < mine.back().score) continue;
          const int32_t other = base.index[static_cast<size_t>(left + column)];
          if (other != own) offer(mine, capacity, {score, other});
        }
      }
    }
  }
  return best;
}

}  // namespace serendip
