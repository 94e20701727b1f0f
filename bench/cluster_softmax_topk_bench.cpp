// The restricted softmax beside its peers: N = 10⁶ items, 761 clusters, k = 10; arguments are the
// width, the queries and the clusters a query names. Floors: the bytes of the clusters named, read
// once (bytes_per_second beside cluster_softmax_read's), and the products (GFLOP/s beside
// cluster_softmax_matrix_product's). Exact all of them; faiss gives no log Z, and the dense softmax
// takes 64 queries at a time where 4096 are 64 times as many.
#include <benchmark/benchmark.h>
#include <faiss/IndexFlat.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/invlists/InvertedLists.h>
#include <torch/utils.h>

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "base/random.h"
#include "kernels/ops.h"
#include "kernels/vector_math.h"

namespace serendip {
namespace {

constexpr int64_t kItems = 1'000'000, kClusters = 761, kBest = 10;

struct Table {
  at::Tensor item, item_bfloat16;
  std::vector<int64_t> cluster_offset;

  explicit Table(int64_t width) {
    torch::manual_seed(1);
    item = torch::randn({kItems, width}) / 8;
    item_bfloat16 = item.to(at::kBFloat16);
    for (int64_t cluster = 0; cluster <= kClusters; ++cluster)
      cluster_offset.push_back(cluster * kItems / kClusters);
  }
  static const Table& of(int64_t width) {
    static std::map<int64_t, Table> tables;
    return tables.try_emplace(width, width).first->second;
  }
};

at::Tensor longs(const std::vector<int64_t>& values) { return torch::tensor(values, at::kLong); }

struct Problem {
  const Table& table;
  at::Tensor query;
  std::vector<int64_t> row_offset{0}, row_cluster;

  explicit Problem(const benchmark::State& state)
      : table(Table::of(state.range(0))), query(torch::randn({state.range(1), state.range(0)})) {
    Random random(5);
    for (int64_t row = 0; row < state.range(1); ++row) {
      for (int64_t at = 0; at < state.range(2); ++at)
        row_cluster.push_back(static_cast<int64_t>(random.below(kClusters)));
      row_offset.push_back(static_cast<int64_t>(row_cluster.size()));
    }
  }
  int64_t begin(int64_t cluster) const {
    return table.cluster_offset[static_cast<size_t>(cluster)];
  }
  int64_t size(int64_t cluster) const { return begin(cluster + 1) - begin(cluster); }
  std::vector<int64_t> distinct_clusters() const {
    std::vector<int64_t> clusters = row_cluster;
    std::sort(clusters.begin(), clusters.end());
    clusters.erase(std::unique(clusters.begin(), clusters.end()), clusters.end());
    return clusters;
  }
  void count(benchmark::State& state, int64_t value_bytes) const {
    int64_t read = 0, products = 0;
    for (const int64_t cluster : distinct_clusters())
      read += size(cluster) * query.size(1) * value_bytes;
    for (const int64_t cluster : row_cluster) products += size(cluster) * query.size(1);
    state.SetBytesProcessed(state.iterations() * read);
    state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * static_cast<double>(products),
                                                   benchmark::Counter::kIsIterationInvariantRate);
  }
};

void run_op(benchmark::State& state, const at::Tensor& item, const Problem& p) {
  const torch::NoGradGuard no_grad;
  const at::Tensor query = p.query.to(item.scalar_type());
  const at::Tensor cluster_offset = longs(p.table.cluster_offset), row_offset = longs(p.row_offset),
                   row_cluster = longs(p.row_cluster);
  for (auto _ : state)
    benchmark::DoNotOptimize(
        cluster_softmax_topk(query, item, cluster_offset, row_offset, row_cluster, kBest));
  p.count(state, item.element_size());
}

void cluster_softmax_float32(benchmark::State& state) {
  const Problem p(state);
  run_op(state, p.table.item, p);
}

void cluster_softmax_bfloat16(benchmark::State& state) {
  const Problem p(state);
  run_op(state, p.table.item_bfloat16, p);
}

float sum_of(const float* values, int64_t count) {
  constexpr int64_t kStep = 8 * kVectorLanes;
  Floats sums[8] = {};
  for (int64_t at = 0; at + kStep <= count; at += kStep)
    for (int64_t v = 0; v < 8; ++v) {
      const float* place = values + at + v * kVectorLanes;
      __builtin_prefetch(place + 2048);
      sums[v] += load_floats(place);
    }
  for (int64_t v = 1; v < 8; ++v) sums[0] += sums[v];
  return sums[0][0];
}

// What the memory gives: the clusters named, added up.
void cluster_softmax_read(benchmark::State& state) {
  const Problem p(state);
  std::vector<std::pair<const float*, int64_t>> pieces;
  for (const int64_t cluster : p.distinct_clusters())
    for (int64_t item = 0; item < p.size(cluster); item += 256)
      pieces.emplace_back(
          p.table.item.const_data_ptr<float>() + (p.begin(cluster) + item) * state.range(0),
          std::min<int64_t>(256, p.size(cluster) - item) * state.range(0));
  const auto count = static_cast<int64_t>(pieces.size());
  for (auto _ : state) {
    float sum = 0.0f;
#pragma omp parallel for schedule(dynamic, 1) reduction(+ : sum)
    for (int64_t at = 0; at < count; ++at) {
      const auto& [values, length] = pieces[static_cast<size_t>(at)];
      sum += sum_of(values, length);
    }
    benchmark::DoNotOptimize(sum);
  }
  p.count(state, sizeof(float));
}

void cluster_softmax_matrix_product(benchmark::State& state) {
  const torch::NoGradGuard no_grad;
  const int64_t queries = 4096, items = 8192, width = state.range(0);
  const at::Tensor query = torch::randn({queries, width}), item = torch::randn({items, width});
  at::Tensor scores = torch::empty({queries, items});
  for (auto _ : state) torch::mm_out(scores, query, item.t());
  state.counters["GFLOP/s"] =
      benchmark::Counter(2e-9 * static_cast<double>(queries * items * width),
                         benchmark::Counter::kIsIterationInvariantRate);
}

void cluster_softmax_torch_slices(benchmark::State& state) {
  const Problem p(state);
  const torch::NoGradGuard no_grad;
  for (auto _ : state) {
    for (int64_t row = 0; row < p.query.size(0); ++row) {
      const int64_t cluster = p.row_cluster[static_cast<size_t>(row)];
      const at::Tensor scores = torch::mv(p.table.item.narrow(0, p.begin(cluster), p.size(cluster)),
                                          p.query.select(0, row));
      benchmark::DoNotOptimize(scores.topk(kBest));
      benchmark::DoNotOptimize(scores.logsumexp(0));
    }
  }
  p.count(state, sizeof(float));
}

void cluster_softmax_torch_masked(benchmark::State& state) {
  const Problem p(state);
  const torch::NoGradGuard no_grad;
  at::Tensor mask = torch::ones({p.query.size(0), kItems}, torch::kBool);
  for (int64_t row = 0; row < p.query.size(0); ++row) {
    const int64_t cluster = p.row_cluster[static_cast<size_t>(row)];
    mask[row].narrow(0, p.begin(cluster), p.size(cluster)).fill_(false);
  }
  for (auto _ : state) {
    const at::Tensor scores = torch::mm(p.query, p.table.item.t()).masked_fill_(mask, -INFINITY);
    benchmark::DoNotOptimize(scores.topk(kBest));
    benchmark::DoNotOptimize(scores.logsumexp(1));
  }
}

// Our clusters as faiss' inverted lists; both search the same items.
struct InvertedFile {
  faiss::IndexFlatIP quantizer;
  faiss::IndexIVFFlat index;

  explicit InvertedFile(int64_t width)
      : quantizer(width),
        index(&quantizer, static_cast<size_t>(width), kClusters, faiss::METRIC_INNER_PRODUCT) {
    const Table& table = Table::of(width);
    std::vector<faiss::Index::idx_t> ids(kItems);
    std::iota(ids.begin(), ids.end(), 0);
    for (size_t cluster = 0; cluster < kClusters; ++cluster) {
      const int64_t first = table.cluster_offset[cluster];
      const auto count = static_cast<size_t>(table.cluster_offset[cluster + 1] - first);
      index.invlists->add_entries(
          cluster, count, ids.data() + first,
          reinterpret_cast<const uint8_t*>(table.item.const_data_ptr<float>() + first * width));
    }
    index.ntotal = kItems;
    index.is_trained = true;
    index.parallel_mode = 3;  // over queries, in search_preassigned too
  }
  static const faiss::IndexIVFFlat& of(int64_t width) {
    static std::map<int64_t, std::unique_ptr<InvertedFile>> files;
    std::unique_ptr<InvertedFile>& file = files[width];
    if (file == nullptr) file = std::make_unique<InvertedFile>(width);
    return file->index;
  }
};

void cluster_softmax_faiss_ivf(benchmark::State& state) {
  const Problem p(state);
  const faiss::IndexIVFFlat& index = InvertedFile::of(state.range(0));
  const auto queries = static_cast<size_t>(p.query.size(0));
  faiss::IVFSearchParameters parameters;
  parameters.nprobe = static_cast<size_t>(state.range(2));
  const std::vector<float> cell_distance(p.row_cluster.size());
  std::vector<float> distance(queries * kBest);
  std::vector<faiss::Index::idx_t> label(distance.size());
  for (auto _ : state)
    index.search_preassigned(p.query.size(0), p.query.const_data_ptr<float>(), kBest,
                             p.row_cluster.data(), cell_distance.data(), distance.data(),
                             label.data(), false, &parameters);
  p.count(state, sizeof(float));
}

void one_cluster_each(benchmark::internal::Benchmark* bench) {
  for (const int64_t width : {64, 256})
    for (const int64_t queries : {1, 64, 4096}) bench->Args({width, queries, 1});
  bench->Unit(benchmark::kMillisecond)->UseRealTime();
}

void one_or_eight_clusters_each(benchmark::internal::Benchmark* bench) {
  one_cluster_each(bench);
  for (const int64_t width : {64, 256}) bench->Args({width, 4096, 8});
}

void few_queries(benchmark::internal::Benchmark* bench) {
  for (const int64_t width : {64, 256})
    for (const int64_t queries : {1, 64}) bench->Args({width, queries, 1});
  bench->Unit(benchmark::kMillisecond)->UseRealTime();
}

BENCHMARK(cluster_softmax_matrix_product)
    ->Arg(64)
    ->Arg(256)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(cluster_softmax_torch_masked)->Apply(few_queries);
BENCHMARK(cluster_softmax_torch_slices)->Apply(one_cluster_each);
BENCHMARK(cluster_softmax_faiss_ivf)->Apply(one_or_eight_clusters_each);
BENCHMARK(cluster_softmax_read)->Apply(one_cluster_each);
BENCHMARK(cluster_softmax_float32)->Apply(one_or_eight_clusters_each);
BENCHMARK(cluster_softmax_bfloat16)->Apply(one_or_eight_clusters_each);

}  // namespace
}  // namespace serendip
