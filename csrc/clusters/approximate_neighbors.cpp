#include <faiss/IndexFlat.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/utils/distances.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "clusters/neighbor_search.h"

namespace serendip {
namespace {

constexpr int64_t kSearchBlock = 16384;
constexpr size_t kProbes = 32;

// faiss multiplies through BLAS for batches of this many queries and more.
class WithoutBlas {
 public:
  WithoutBlas() { faiss::distance_compute_blas_threshold = std::numeric_limits<int>::max(); }
  ~WithoutBlas() { faiss::distance_compute_blas_threshold = before_; }
  WithoutBlas(const WithoutBlas&) = delete;
  WithoutBlas& operator=(const WithoutBlas&) = delete;

 private:
  const int before_ = faiss::distance_compute_blas_threshold;
};

}  // namespace

NeighborLists approximate_neighbors(const std::vector<float>& vectors, int64_t dim,
                                    int64_t neighbors, uint64_t seed) {
  const int64_t count = static_cast<int64_t>(vectors.size()) / dim;
  SERENDIP_CHECK(count >= 1000, "approximate neighbours need 1000 items or more, got {}", count);
  const WithoutBlas without_blas;
  const auto list_count = static_cast<size_t>(2 * std::sqrt(static_cast<double>(count)));
  faiss::IndexFlatIP centroids(dim);
  faiss::IndexIVFFlat index(&centroids, static_cast<size_t>(dim), list_count,
                            faiss::METRIC_INNER_PRODUCT);
  index.cp.seed = static_cast<int>(seed & 0x7fffffff);
  index.cp.niter = 10;
  index.cp.spherical = true;
  index.cp.min_points_per_centroid = 1;  // no warning on stderr
  index.cp.max_points_per_centroid = 64;
  index.train(count, vectors.data());
  index.add(count, vectors.data());
  index.nprobe = std::min(kProbes, list_count);

  NeighborLists lists{neighbors, std::vector<int32_t>(static_cast<size_t>(count * neighbors), -1)};
  const int64_t width = neighbors + 1;  // the item itself is usually among them
  std::vector<float> score(static_cast<size_t>(kSearchBlock * width));
  std::vector<faiss::Index::idx_t> found(score.size());
  Progress progress("neighbours", count, "items");
  for (int64_t begin = 0; begin < count; begin += kSearchBlock) {
    throw_if_interrupted();
    const int64_t rows = std::min(kSearchBlock, count - begin);
    index.search(rows, vectors.data() + begin * dim, width, score.data(), found.data());
    for (int64_t row = 0; row < rows; ++row) {
      int64_t kept = 0;
      for (int64_t column = 0; column < width && kept < neighbors; ++column) {
        const faiss::Index::idx_t other = found[static_cast<size_t>(row * width + column)];
        if (other < 0 || other == begin + row) continue;
        lists.index[static_cast<size_t>((begin + row) * neighbors + kept++)] =
            static_cast<int32_t>(other);
      }
    }
    progress.advance(rows);
  }
  return lists;
}

}  // namespace serendip
