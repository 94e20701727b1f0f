// The neighbour search beside faiss' exact index. Floor: 2·N²·d operations at the machine's GEMM
// rate.
#include <benchmark/benchmark.h>
#include <faiss/IndexFlat.h>

#include <vector>

#include "base/random.h"
#include "clusters/neighbor_search.h"

namespace serendip {
namespace {

constexpr int64_t kDim = 256;
constexpr int64_t kNeighbors = 16;

std::vector<float> unit_vectors(int64_t count) {
  std::vector<float> vectors(static_cast<size_t>(count * kDim));
  Random random(1);
  for (int64_t item = 0; item < count; ++item) {
    float* row = vectors.data() + item * kDim;
    double squares = 0;
    for (int64_t d = 0; d < kDim; ++d) {
      row[d] = static_cast<float>(random.normal());
      squares += static_cast<double>(row[d]) * row[d];
    }
    for (int64_t d = 0; d < kDim; ++d) row[d] = static_cast<float>(row[d] / std::sqrt(squares));
  }
  return vectors;
}

void count_operations(benchmark::State& state) {
  const auto count = static_cast<double>(state.range(0));
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * count * count * kDim,
                                                 benchmark::Counter::kIsIterationInvariantRate);
}

void neighbors_exact(benchmark::State& state) {
  const std::vector<float> vectors = unit_vectors(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(exact_neighbors(vectors, kDim, kNeighbors));
  count_operations(state);
}

void neighbors_faiss_flat(benchmark::State& state) {
  const int64_t count = state.range(0);
  const std::vector<float> vectors = unit_vectors(count);
  std::vector<float> distance(static_cast<size_t>(count * (kNeighbors + 1)));
  std::vector<faiss::Index::idx_t> label(distance.size());
  for (auto _ : state) {
    faiss::IndexFlatIP index(kDim);
    index.add(count, vectors.data());
    index.search(count, vectors.data(), kNeighbors + 1, distance.data(), label.data());
  }
  count_operations(state);
}

void neighbors_cells(benchmark::State& state) {
  const std::vector<float> vectors = unit_vectors(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(cell_neighbors(vectors, kDim, kNeighbors, 1));
}

BENCHMARK(neighbors_faiss_flat)->Arg(20000)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(neighbors_exact)->Arg(20000)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(neighbors_cells)->Arg(20000)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace serendip
