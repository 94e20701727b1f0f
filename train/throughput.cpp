#include "train/throughput.h"

#include <torch/cuda.h>
#include <torch/utils.h>

#include <algorithm>
#include <chrono>

namespace serendip {

double measure_gemm_rate(const torch::TensorOptions& options) {
  constexpr int64_t kSize = 1024;
  constexpr double kSeconds = 0.25;
  using Clock = std::chrono::steady_clock;
  torch::NoGradGuard no_grad;
  const torch::Tensor a = torch::randn({kSize, kSize}, options.requires_grad(false));
  torch::Tensor product = torch::mm(a, a);
  const auto seconds_since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  double best = 1e30;
  for (const auto start = Clock::now(); seconds_since(start) < kSeconds;) {
    const auto begin = Clock::now();
    torch::mm_out(product, a, a);
    if (product.is_cuda()) torch::cuda::synchronize();
    best = std::min(best, seconds_since(begin));
  }
  return 2.0 * kSize * kSize * kSize / best;
}

double training_flops(const ModelConfig& config, const PackedSamples& packed, bool full,
                      bool recompute) {
  const double token = config.flops_per_token(false);
  const double vocabulary = config.flops_per_token(true) - token;
  const double passes = full ? 3 : 2;
  return token * static_cast<double>(packed.tree.size()) * (passes + (recompute ? 1 : 0)) +
         vocabulary * static_cast<double>(packed.predicting_nodes.size()) * passes;
}

}  // namespace serendip
