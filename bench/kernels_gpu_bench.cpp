// The CUDA kernels on the GPU that is there, in bfloat16, timed by CUDA events beside what Torch
// does, with the share of the floor: the bytes that must move at the rate of a device-to-device
// copy. The cluster kernels: 761 clusters over N items of d = 256, one cluster a query, k = 10.
// Exit status 77 without a GPU.
#include <ATen/cuda/CUDAEvent.h>
#include <fmt/format.h>
#include <torch/autograd.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "distributed/device.h"
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

Tensor narrow(at::IntArrayRef sizes) {
  return torch::randn(sizes, torch::dtype(torch::kBFloat16).device(torch::kCUDA));
}

Tensor on_gpu(const std::vector<int64_t>& values) {
  return torch::tensor(values, torch::kInt64).to(torch::kCUDA);
}

double bytes_of(std::initializer_list<Tensor> tensors) {
  double bytes = 0;
  for (const Tensor& tensor : tensors) bytes += static_cast<double>(tensor.nbytes());
  return bytes;
}

void print_row(const std::string& name, double kernel, double floor, double torch) {
  fmt::print("{:<46} {:>11.1f} {:>11.1f} {:>8.0f}% {:>12.1f}\n", name, kernel, floor,
             100 * floor / kernel, torch);
}

// Forward, then the gradients of queries and items.
void time_cluster_log_softmax(double rate) {
  const Problem problem(1'000'000, 512);
  const Tensor query = problem.query.detach().requires_grad_(true);
  const Tensor items = problem.items.detach().requires_grad_(true);
  const Tensor target = problem.begin.to(torch::kCUDA);
  const torch::AutoGradMode with_gradients(true);
  const double kernel = microseconds([&] {
    const Tensor loss =
        std::get<0>(cluster_log_softmax(query, items, problem.cluster_offset, problem.row_offset,
                                        problem.row_cluster, target))
            .sum();
    torch::autograd::grad({loss}, {query, items});
  });
  const double dense = microseconds([&] {
    const Tensor logits = torch::mm(query, items.t());
    const Tensor loss = torch::log_softmax(logits, 1).gather(1, target.unsqueeze(1)).sum();
    torch::autograd::grad({loss}, {query, items});
  });
  print_row("cluster_log_softmax, forward and backward", kernel,
            (2 * problem.bytes + bytes_of({items})) / rate, dense);
}

// Nodes that hang below `shared` key rows: each `own` of them are one chain.
struct Paths {
  Tensor offset, path;
  int64_t keys;

  // `arena`: the shared rows are not among the queries.
  Paths(int64_t shared, int64_t chains, int64_t own, bool arena) : keys(shared + chains * own) {
    std::vector<int64_t> offsets{0};
    std::vector<int32_t> rows;
    const auto add = [&](int64_t chain, int64_t length) {  // shared rows, then `length` of a chain
      const int64_t common = chain < 0 ? length : shared;
      for (int64_t i = 0; i < common; ++i) rows.push_back(static_cast<int32_t>(i));
      for (int64_t i = 0; chain >= 0 && i < length; ++i)
        rows.push_back(static_cast<int32_t>(shared + chain * own + i));
      offsets.push_back(static_cast<int64_t>(rows.size()));
    };
    if (!arena)
      for (int64_t i = 1; i <= shared; ++i) add(-1, i);
    for (int64_t chain = 0; chain < chains; ++chain)
      for (int64_t i = arena ? own : 1; i <= own; ++i) add(chain, i);
    offset = on_gpu(offsets);
    path = torch::tensor(rows, torch::kInt32).to(torch::kCUDA);
  }
  int64_t nodes() const { return offset.numel() - 1; }
  Tensor mask() const {
    const Tensor counts = offset.slice(0, 1) - offset.slice(0, 0, -1);
    const Tensor row = torch::repeat_interleave(
        torch::arange(nodes(), torch::dtype(torch::kInt64).device(torch::kCUDA)), counts);
    Tensor allowed = torch::zeros({nodes(), keys}, torch::dtype(torch::kBool).device(torch::kCUDA));
    return allowed.index_put_({row, path.to(torch::kInt64)}, torch::ones({}, allowed.options()));
  }
};

void time_tree_attention(double rate, const std::string& name, const Paths& paths, int64_t heads,
                         int64_t key_heads, int64_t width, bool backward) {
  const torch::AutoGradMode gradients(backward);
  const Tensor query = narrow({paths.nodes(), heads, width}).requires_grad_(backward);
  const Tensor key = narrow({paths.keys, key_heads, width}).requires_grad_(backward);
  const Tensor value = narrow({paths.keys, key_heads, width}).requires_grad_(backward);
  const Tensor direction = narrow({paths.nodes(), heads, width});
  const kernels::TreeAttentionOptions options{1 / std::sqrt(static_cast<double>(width)), 0, 0};
  const auto finish = [&](const Tensor& out) {
    if (backward) torch::autograd::grad({out}, {query, key, value}, {direction});
  };
  const double kernel = microseconds(
      [&] { finish(tree_attention(query, key, value, paths.offset, paths.path, options)); });
  const Tensor mask = paths.mask();
  const auto heads_first = [](const Tensor& rows) { return rows.transpose(0, 1).unsqueeze(0); };
  const double masked = microseconds([&] {
    const Tensor keys = heads_first(key).repeat_interleave(heads / key_heads, 1);
    const Tensor values = heads_first(value).repeat_interleave(heads / key_heads, 1);
    finish(at::scaled_dot_product_attention(heads_first(query), keys, values, mask, 0, false,
                                            options.scale)
               .squeeze(0)
               .transpose(0, 1));
  });
  const double forward_bytes = bytes_of({query, key, value, direction, paths.offset, paths.path});
  print_row(name, kernel, forward_bytes * (backward ? 3 : 1) / rate, masked);
}

// The loss of 512 label tokens of a vocabulary of 256,000, and their gradients.
void time_token_cross_entropy(double rate) {
  const Tensor logits = narrow({512, 256'000});
  const Tensor target = torch::randint(256'000, {512}, torch::kInt64).to(torch::kCUDA);
  const Tensor offset = torch::arange(513, torch::kInt64).to(torch::kCUDA);
  const Tensor weight = torch::ones({512}, torch::dtype(torch::kFloat32).device(torch::kCUDA));
  Tensor replaced = logits.clone();
  const double kernel =
      microseconds([&] { token_cross_entropy_(replaced, offset, target, weight); });
  const torch::AutoGradMode with_gradients(true);
  const Tensor leaf = logits.detach().requires_grad_(true);
  const double composed = microseconds(
      [&] { torch::autograd::grad({torch::cross_entropy_loss(leaf, target)}, {leaf}); });
  print_row("token_cross_entropy_, 512 x 256,000", kernel, 2 * bytes_of({logits}) / rate, composed);
}

// The 10 best of 64 children of 4,096 trie nodes over a vocabulary of 49,152.
void time_trie_mask_topk(double rate) {
  constexpr int64_t kNodes = 4096, kChildren = 64, kVocabulary = 49'152;
  const Tensor logits = narrow({kNodes, kVocabulary});
  const Tensor offset = (torch::arange(kNodes + 1, torch::kInt64) * kChildren).to(torch::kCUDA);
  const Tensor token = (torch::arange(kNodes * kChildren, torch::kInt64) * 7)
                           .remainder(kVocabulary)
                           .to(torch::kCUDA);
  const double kernel = microseconds([&] { trie_mask_topk(logits, offset, token, kBest); });
  const double composed = microseconds([&] {
    logits.gather(1, token.view({kNodes, kChildren})).topk(kBest);
    torch::logsumexp(logits.to(torch::kFloat32), 1);
  });
  print_row("trie_mask_topk, 4,096 x 49,152", kernel, bytes_of({logits}) / rate, composed);
}

void time_cluster_softmax_topk(double rate) {
  fmt::print("cluster_softmax_topk\n{:>9} {:>6} {:>11} {:>11} {:>9} {:>12} {:>12}\n", "N", "B",
             "kernel, us", "floor, us", "share", "slices, us", "masked, us");
  for (const int64_t items : {100'000, 1'000'000, 10'000'000})
    for (const int64_t queries : {64, 512, 4096}) {
      const Problem problem(items, queries);
      const double kernel = microseconds([&] { by_kernel(problem); }), floor = problem.bytes / rate;
      fmt::print("{:>9} {:>6} {:>11.1f} {:>11.1f} {:>8.0f}% {:>12.1f} {:>12.1f}\n", items, queries,
                 kernel, floor, 100 * floor / kernel, microseconds([&] { by_slices(problem); }),
                 microseconds([&] { by_mask(problem); }));
    }
}

void run() {
  const torch::NoGradGuard no_grad;
  const double rate = copy_rate();
  fmt::print("copy: {:.0f} GB/s\n", rate / 1e3);
  time_cluster_softmax_topk(rate);
  fmt::print("\n{:<46} {:>11} {:>11} {:>9} {:>12}\n", "", "kernel, us", "floor, us", "share",
             "Torch, us");
  time_cluster_log_softmax(rate);
  // The two shapes of docs/kernels.md.
  const Paths training(40, 16, 60, false), inference(60, 4096, 8, true);
  time_tree_attention(rate, "tree_attention, training, d = 64", training, 9, 3, 64, false);
  time_tree_attention(rate, "  and backward", training, 9, 3, 64, true);
  time_tree_attention(rate, "tree_attention, inference, d = 64", inference, 9, 3, 64, false);
  time_tree_attention(rate, "tree_attention, inference, d = 256", inference, 8, 4, 256, false);
  time_token_cross_entropy(rate);
  time_trie_mask_topk(rate);
}

}  // namespace
}  // namespace serendip

int main() {
  if (!serendip::has_gpu()) {
    fmt::print("kernels_gpu_bench: no CUDA device\n");
    return 77;
  }
  serendip::run();
  return 0;
}
