// The restricted softmax beside what one writes with Torch alone. N = 10⁶ items, d = 64, 761
// clusters, 64 queries on one cluster each, k = 10. Floor: the bytes of the clusters named, read
// once.
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include "kernels/ops.h"

namespace serendip {
namespace {

constexpr int64_t kItems = 1'000'000, kWidth = 64, kClusters = 761, kQueries = 64, kBest = 10;

struct Problem {
  at::Tensor query, item, cluster_offset, row_offset, row_cluster;

  Problem() {
    torch::manual_seed(1);
    query = torch::randn({kQueries, kWidth});
    item = torch::randn({kItems, kWidth}) / 8;
    cluster_offset = (torch::arange(kClusters + 1, torch::kInt64) * kItems).floor_divide(kClusters);
    row_offset = torch::arange(kQueries + 1, torch::kInt64);
    row_cluster = torch::randint(kClusters, {kQueries}, torch::kInt64);
  }
  int64_t begin(int64_t row) const { return offset(row_cluster[row].item<int64_t>()); }
  int64_t end(int64_t row) const { return offset(row_cluster[row].item<int64_t>() + 1); }

 private:
  int64_t offset(int64_t cluster) const { return cluster_offset[cluster].item<int64_t>(); }
};

const Problem& problem() {
  static const Problem instance;
  return instance;
}

void cluster_softmax_serendip(benchmark::State& state) {
  const Problem& p = problem();
  const torch::NoGradGuard no_grad;
  for (auto _ : state) {
    benchmark::DoNotOptimize(cluster_softmax_topk(p.query, p.item, p.cluster_offset, p.row_offset,
                                                  p.row_cluster, kBest));
  }
}

void cluster_softmax_torch_slices(benchmark::State& state) {
  const Problem& p = problem();
  const torch::NoGradGuard no_grad;
  for (auto _ : state) {
    for (int64_t row = 0; row < kQueries; ++row) {
      const at::Tensor scores = torch::mv(p.item.slice(0, p.begin(row), p.end(row)), p.query[row]);
      benchmark::DoNotOptimize(scores.topk(kBest));
      benchmark::DoNotOptimize(scores.logsumexp(0));
    }
  }
}

void cluster_softmax_torch_masked(benchmark::State& state) {
  const Problem& p = problem();
  const torch::NoGradGuard no_grad;
  at::Tensor mask = torch::ones({kQueries, kItems}, torch::kBool);
  for (int64_t row = 0; row < kQueries; ++row)
    mask[row].slice(0, p.begin(row), p.end(row)).fill_(false);
  for (auto _ : state) {
    const at::Tensor scores = torch::mm(p.query, p.item.t()).masked_fill_(mask, -INFINITY);
    benchmark::DoNotOptimize(scores.topk(kBest));
    benchmark::DoNotOptimize(scores.logsumexp(1));
  }
}

BENCHMARK(cluster_softmax_torch_masked)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(cluster_softmax_torch_slices)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(cluster_softmax_serendip)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace serendip
