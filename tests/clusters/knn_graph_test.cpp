#include "clusters/knn_graph.h"

#include <faiss/IndexFlat.h>
#include <gtest/gtest.h>
#include <omp.h>

#include <set>

#include "clusters/neighbor_search.h"
#include "tests/base/temporary_folder.h"
#include "tests/clusters/synthetic.h"

namespace serendip {
namespace {

constexpr int64_t kDim = 16;

std::vector<float> unit_vectors(int64_t count, uint64_t seed) {
  std::vector<float> vectors = grouped_vectors(count, kDim, 40, seed);
  for (int64_t i = 0; i < count; ++i) {
    double squares = 0;
    float* row = vectors.data() + i * kDim;
    for (int64_t d = 0; d < kDim; ++d) squares += row[d] * row[d];
    for (int64_t d = 0; d < kDim; ++d) row[d] = static_cast<float>(row[d] / std::sqrt(squares));
  }
  return vectors;
}

std::set<int32_t> neighbors_of(const NeighborLists& lists, int64_t item) {
  const auto begin = lists.index.begin() + item * lists.neighbors;
  return {begin, begin + lists.neighbors};
}

TEST(ExactNeighbors, AgreesWithDoubleReference) {
  const int64_t count = 1500;  // a whole tile of 1024 and a part of one
  const std::vector<float> vectors = unit_vectors(count, 1);
  const NeighborLists lists = exact_neighbors(vectors, kDim, 8);
  for (const int64_t item : {0, 63, 64, 1023, 1024, 1499}) {
    std::vector<std::pair<double, int32_t>> scored;
    for (int64_t other = 0; other < count; ++other) {
      if (other == item) continue;
      double dot = 0;
      for (int64_t d = 0; d < kDim; ++d) {
        dot += static_cast<double>(vectors[static_cast<size_t>(item * kDim + d)]) *
               vectors[static_cast<size_t>(other * kDim + d)];
      }
      scored.emplace_back(-dot, static_cast<int32_t>(other));
    }
    std::sort(scored.begin(), scored.end());
    for (size_t rank = 0; rank < 8; ++rank) {
      EXPECT_EQ(lists.index[static_cast<size_t>(item) * 8 + rank], scored[rank].second);
    }
  }
}

TEST(ExactNeighbors, AgreesWithFaiss) {
  const int64_t count = 3000;
  const std::vector<float> vectors = unit_vectors(count, 5);
  const NeighborLists lists = exact_neighbors(vectors, kDim, 8);
  faiss::IndexFlatIP index(kDim);
  index.add(count, vectors.data());
  std::vector<float> distance(static_cast<size_t>(count * 9));
  std::vector<faiss::Index::idx_t> label(distance.size());
  index.search(count, vectors.data(), 9, distance.data(), label.data());
  int64_t common = 0;
  for (int64_t item = 0; item < count; ++item) {
    const std::set<int32_t> ours = neighbors_of(lists, item);
    for (size_t rank = 0; rank < 9; ++rank)
      common += static_cast<int64_t>(
          ours.contains(static_cast<int32_t>(label[static_cast<size_t>(item) * 9 + rank])));
  }
  EXPECT_GE(common, 8 * count - 8);  // near ties at the eighth place may fall either way
}

TEST(CellNeighbors, FindsNearlyAll) {
  const int64_t count = 6000;
  const std::vector<float> vectors = unit_vectors(count, 2);
  const NeighborLists exact = exact_neighbors(vectors, kDim, 10);
  const NeighborLists found = cell_neighbors(vectors, kDim, 10, 1);
  int64_t common = 0;
  for (int64_t item = 0; item < count; ++item) {
    for (const int32_t other : neighbors_of(exact, item)) {
      common += static_cast<int64_t>(neighbors_of(found, item).contains(other));
    }
  }
  EXPECT_GT(static_cast<double>(common) / static_cast<double>(10 * count), 0.95);
}

void expect_same_graph(const Graph& a, const Graph& b) {
  EXPECT_EQ(a.offset, b.offset);
  EXPECT_EQ(a.neighbor, b.neighbor);
  EXPECT_EQ(a.weight, b.weight);
}

TEST(KnnGraph, SameForAnyThreadCount) {
  const std::vector<float> vectors = grouped_vectors(3000, kDim, 40, 3);
  const int before = omp_get_max_threads();
  for (const int64_t exact_limit : {50000, 1000}) {
    KnnOptions options;
    options.exact_limit = exact_limit;
    omp_set_num_threads(1);
    const Graph one = knn_graph(vectors, kDim, options);
    omp_set_num_threads(2);
    expect_same_graph(one, knn_graph(vectors, kDim, options));
  }
  omp_set_num_threads(before);
}

TEST(KnnGraph, SymmetricWithoutLoops) {
  const Graph graph = knn_graph(grouped_vectors(500, kDim, 10, 4), kDim, {});
  ASSERT_EQ(graph.vertex_count(), 500);
  std::set<std::tuple<int32_t, int32_t, int32_t>> edges;
  for (int32_t v = 0; v < 500; ++v) {
    const auto begin = static_cast<size_t>(graph.offset[static_cast<size_t>(v)]);
    const auto end = static_cast<size_t>(graph.offset[static_cast<size_t>(v) + 1]);
    EXPECT_GE(end - begin, 16u);
    for (size_t e = begin; e < end; ++e) {
      EXPECT_NE(graph.neighbor[e], v);
      EXPECT_GE(graph.weight[e], 1);
      EXPECT_LE(graph.weight[e], 1000);
      EXPECT_TRUE(e == begin || graph.neighbor[e - 1] < graph.neighbor[e]);
      edges.emplace(v, graph.neighbor[e], graph.weight[e]);
    }
  }
  for (const auto& [a, b, weight] : edges) EXPECT_TRUE(edges.contains({b, a, weight}));
}

TEST(KnnGraph, DuplicatesZerosAndOpposites) {
  // Thirty equal items, one of zeros, one opposite: the last two are joined with nothing.
  std::vector<float> vectors(30 * 2, 1.0f);
  vectors.insert(vectors.end(), {0, 0, -1, -1});
  KnnOptions options;
  options.neighbors = 4;
  const Graph graph = knn_graph(vectors, 2, options);
  EXPECT_EQ(graph.offset[32] - graph.offset[30], 0);
  EXPECT_EQ(graph.offset[30] - graph.offset[29], 4);
  EXPECT_EQ(graph.neighbor[static_cast<size_t>(graph.offset[29])], 0);
  EXPECT_EQ(graph.weight[0], 1000);
}

TEST(KnnGraph, RefusesValuesThatAreNotFinite) {
  EXPECT_EQ(error_of([] {
              knn_graph({1, 2, 3, NAN}, 2, {});
            }),
            "embedding of item 1 (of 2) is not finite");
}

}  // namespace
}  // namespace serendip
