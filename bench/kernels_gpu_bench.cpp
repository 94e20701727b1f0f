// The CUDA kernels on the GPU that is there, timed by CUDA events beside what Torch does, with the
// share of the floor: the bytes that must be read at the rate of a device-to-device copy. 761
// clusters over N items of d = 256 in bfloat16, one cluster a query, k = 10. Exit status 77 without
// a GPU.
#include <ATen/cuda/CUDAEvent.h>
#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "kernels/ops.h"

namespace serendip {
namespace {

using at::Tensor;

constexpr int64_t kClusters = 761, kWidth = 256, kBest = 10;

// The median of 20 runs after 3, in microseconds.
double microseconds(const std::function<void()>& run) {
  for (int i = 0; i < 3; ++i) run();
  std::vector<double> times;
  for (int i = 0; i < 20; ++i) {
    at::cuda::CUDAEvent start(cudaEventDefault), stop(cudaEventDefault);
    start.record();
    run();
    stop.record();
    stop.synchronize();
    times.push_back(1e3 * static_cast<double>(start.elapsed_time(stop)));
  }
  std::nth_element(times.begin(), times.begin() + 10, times.end());
  return times[10];
}

// Bytes a microsecond that a copy reads and writes together.
double copy_rate() {
  const Tensor from = torch::empty({1 << 30}, torch::dtype(torch::kByte).device(torch::kCUDA));
  Tensor to = torch::empty_like(from);
  return 2 * static_cast<double>(from.numel()) / microseconds([&] { to.copy_(from); });
}

struct Problem {
  Tensor query, items, cluster_offset, row_offset, row_cluster, begin, end;
  double bytes;  // of the items of the clusters named

  Problem(int64_t item_count, int64_t queries) {
    torch::manual_seed(1);
    const auto half = torch::dtype(torch::kBFloat16).device(torch::kCUDA);
    query = torch::randn({queries, kWidth}, half);
    items = torch::randn({item_count, kWidth}, half) / 16;
    const Tensor offset =
        (torch::arange(kClusters + 1, torch::kInt64) * item_count).floor_divide(kClusters);
    const Tensor named = torch::randint(kClusters, {queries}, torch::kInt64);
    const Tensor distinct = std::get<0>(at::_unique(named));
    bytes = 2.0 * kWidth *
            (offset.index_select(0, distinct + 1) - offset.index_select(0, distinct))
                .sum()
                .item<double>();
    begin = offset.index_select(0, named);
    end = offset.index_select(0, named + 1);
    cluster_offset = offset.to(torch::kCUDA);
    row_offset = torch::arange(queries + 1, torch::kInt64).to(torch::kCUDA);
    row_cluster = named.to(torch::kCUDA);
  }
};

void by_kernel(const Problem& problem) {
  cluster_softmax_topk(problem.query, problem.items, problem.cluster_offset, problem.row_offset,
                       problem.row_cluster, kBest);
}

void by_slices(const Problem& problem) {
  for (int64_t row = 0; row < problem.query.size(0); ++row) {
    const Tensor scores = torch::mv(problem.items.slice(0, problem.begin[row].item<int64_t>(),
                                                        problem.end[row].item<int64_t>()),
                                    problem.query[row]);
    scores.topk(kBest);
    scores.logsumexp(0);
  }
}

// 256 queries at once, so that their logits fit.
void by_mask(const Problem& problem) {
  constexpr int64_t kAtOnce = 256;
  const Tensor places =
      torch::arange(problem.items.size(0), torch::dtype(torch::kInt64).device(torch::kCUDA));
  for (int64_t row = 0; row < problem.query.size(0); row += kAtOnce) {
    const int64_t last = std::min(row + kAtOnce, problem.query.size(0));
    const Tensor begin = problem.begin.slice(0, row, last).to(torch::kCUDA).unsqueeze(1);
    const Tensor end = problem.end.slice(0, row, last).to(torch::kCUDA).unsqueeze(1);
    const Tensor outside = places.lt(begin).logical_or_(places.ge(end));
    const Tensor scores = torch::mm(problem.query.slice(0, row, last), problem.items.t())
                              .to(torch::kFloat32)
                              .masked_fill_(outside, -INFINITY);
    scores.topk(kBest);
    scores.logsumexp(1);
  }
}

void run() {
  const torch::NoGradGuard no_grad;
  const double rate = copy_rate();
  fmt::print("copy: {:.0f} GB/s\n{:>9} {:>6} {:>11} {:>11} {:>9} {:>12} {:>12}\n", rate / 1e3, "N",
             "B", "kernel, us", "floor, us", "share", "slices, us", "masked, us");
  for (const int64_t items : {100'000, 1'000'000, 10'000'000})
    for (const int64_t queries : {64, 512, 4096}) {
      const Problem problem(items, queries);
      const double kernel = microseconds([&] { by_kernel(problem); }), floor = problem.bytes / rate;
      fmt::print("{:>9} {:>6} {:>11.1f} {:>11.1f} {:>8.0f}% {:>12.1f} {:>12.1f}\n", items, queries,
                 kernel, floor, 100 * floor / kernel, microseconds([&] { by_slices(problem); }),
                 microseconds([&] { by_mask(problem); }));
    }
}

}  // namespace
}  // namespace serendip

int main() {
  if (!torch::cuda::is_available()) {
    fmt::print("kernels_gpu_bench: no CUDA device\n");
    return 77;
  }
  serendip::run();
  return 0;
}
