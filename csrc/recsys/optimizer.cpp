#include "recsys/optimizer.h"

#include <torch/optim/adamw.h>

#include <algorithm>

namespace serendip {
namespace {

constexpr int64_t kWarmUpSteps = 100;

using ParamGroups = std::vector<torch::optim::OptimizerParamGroup>;

ParamGroups dense_groups(const RecommendOptions& options, const torch::nn::Module& module,
                         const std::vector<at::Tensor>& tables) {
  std::vector<at::Tensor> matrices, vectors;
  for (const at::Tensor& parameter : module.parameters()) {
    const auto same = [&](const at::Tensor& table) { return table.is_same(parameter); };
    if (std::any_of(tables.begin(), tables.end(), same)) continue;
    (parameter.dim() >= 2 ? matrices : vectors).push_back(parameter);
  }
  const auto group = [&](const std::vector<at::Tensor>& parameters, double decay) {
    return torch::optim::OptimizerParamGroup(
        parameters, std::make_unique<torch::optim::AdamWOptions>(
                        torch::optim::AdamWOptions(options.learning_rate).weight_decay(decay)));
  };
  return {group(matrices, options.weight_decay), group(vectors, 0.0)};
}

}  // namespace

Optimizer::Optimizer(const RecommendOptions& options, torch::nn::Module& module,
                     const std::vector<at::Tensor>& tables)
    : module_(module),
      learning_rate_(options.learning_rate),
      dense_(dense_groups(options, module, tables)) {
  for (const at::Tensor& table : tables)
    tables_.emplace_back(table, options.learning_rate, options.weight_decay);
}

void Optimizer::step() {
  const int64_t reached = std::min(++steps_, kWarmUpSteps);
  const double rate =
      learning_rate_ * static_cast<double>(reached) / static_cast<double>(kWarmUpSteps);
  for (torch::optim::OptimizerParamGroup& group : dense_.param_groups())
    group.options().set_lr(rate);
  dense_.step();
  for (RowAdamW& table : tables_) table.step();
}

}  // namespace serendip
