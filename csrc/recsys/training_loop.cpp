#include "recsys/training_loop.h"

#include <torch/utils.h>

#include <chrono>
#include <cmath>

#include "base/check.h"
#include "base/progress.h"

namespace serendip {
namespace {

std::vector<at::Tensor> copy_weights(const torch::nn::Module& module) {
  std::vector<at::Tensor> weights;
  for (const at::Tensor& parameter : module.parameters())
    weights.push_back(parameter.detach().clone());
  return weights;
}

void restore_weights(const torch::nn::Module& module, const std::vector<at::Tensor>& weights) {
  torch::NoGradGuard no_gradients;
  const std::vector<at::Tensor> parameters = module.parameters();
  for (size_t at = 0; at < weights.size(); ++at) at::Tensor(parameters[at]).copy_(weights[at]);
}

}  // namespace

TrainingResult train_until_best(const RecommendOptions& options, torch::nn::Module& module,
                                const std::function<double(int64_t epoch)>& run_epoch,
                                const std::function<double()>& validation,
                                const std::function<void(const EpochReport&)>& report) {
  using Clock = std::chrono::steady_clock;
  TrainingResult result;
  std::vector<at::Tensor> best_weights;
  Progress progress("recommend train", options.epochs, "epochs");
  while (result.epochs < options.epochs && result.epochs - result.best_epoch < options.patience) {
    const Clock::time_point start = Clock::now();
    const double loss = run_epoch(result.epochs);
    ++result.epochs;
    SERENDIP_CHECK(std::isfinite(loss), "recommend train: epoch {}: expected a finite loss, got {}",
                   result.epochs, loss);
    const double ndcg = validation();
    if (best_weights.empty() || ndcg > result.validation_ndcg_at_10) {
      result.best_epoch = result.epochs;
      result.validation_ndcg_at_10 = ndcg;
      best_weights = copy_weights(module);
    }
    progress.advance(1, fmt::format("loss {:.4f}, validation NDCG@10 {:.4f}", loss, ndcg));
    report(
        {result.epochs, loss, ndcg, std::chrono::duration<double>(Clock::now() - start).count()});
  }
  restore_weights(module, best_weights);
  return result;
}

}  // namespace serendip
