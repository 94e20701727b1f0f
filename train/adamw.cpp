#include "train/adamw.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"

namespace serendip {
namespace {

constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;

}  // namespace

AdamW::AdamW(NamedTensors parameters, double weight_decay)
    : parameters_(std::move(parameters)), weight_decay_(weight_decay) {
  for (auto& [name, parameter] : parameters_) {
    parameter.requires_grad_(true);
    exp_avg_.push_back(torch::zeros_like(parameter));
    exp_avg_sq_.push_back(torch::zeros_like(parameter));
  }
}

double AdamW::step(double learning_rate, double clip_norm) {
  torch::NoGradGuard no_grad;
  ++steps_;
  double squared_norm = 0;
  for (const auto& [name, parameter] : parameters_) {
    SERENDIP_CHECK(parameter.grad().defined(), "AdamW: '{}' has no gradient", name);
    squared_norm += std::pow(parameter.grad().norm().item<double>(), 2);
  }
  const double norm = std::sqrt(squared_norm);
  SERENDIP_CHECK(std::isfinite(norm), "gradient norm is {} at step {}: lower the learning rate",
                 norm, steps_);
  const double scale = clip_norm > 0 ? std::min(1.0, clip_norm / (norm + 1e-6)) : 1.0;
  const double correction1 = 1 - std::pow(kBeta1, static_cast<double>(steps_));
  const double correction2 = 1 - std::pow(kBeta2, static_cast<double>(steps_));
  for (size_t i = 0; i < parameters_.size(); ++i) {
    torch::Tensor& parameter = parameters_[i].second;
    torch::Tensor gradient = parameter.grad();
    if (scale < 1) gradient.mul_(scale);
    if (weight_decay_ > 0) parameter.mul_(1 - learning_rate * weight_decay_);
    exp_avg_[i].lerp_(gradient, 1 - kBeta1);
    exp_avg_sq_[i].mul_(kBeta2).addcmul_(gradient, gradient, 1 - kBeta2);
    const torch::Tensor denominator =
        exp_avg_sq_[i].sqrt().div_(std::sqrt(correction2)).add_(kEpsilon);
    parameter.addcdiv_(exp_avg_[i], denominator, -learning_rate / correction1);
    parameter.mutable_grad().reset();
  }
  return norm;
}

NamedTensors AdamW::state() const {
  NamedTensors tensors;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    tensors.emplace_back("exp_avg." + parameters_[i].first, exp_avg_[i]);
    tensors.emplace_back("exp_avg_sq." + parameters_[i].first, exp_avg_sq_[i]);
  }
  return tensors;
}

double scheduled_learning_rate(const std::string& schedule, double peak, int64_t step,
                               int64_t warmup_steps, int64_t total_steps) {
  if (step < warmup_steps)
    return peak * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  const double done = static_cast<double>(step - warmup_steps) /
                      static_cast<double>(std::max<int64_t>(1, total_steps - warmup_steps));
  if (schedule == "linear") return peak * (1 - done);
  if (schedule == "cosine") return peak * 0.5 * (1 + std::cos(std::numbers::pi * done));
  return peak;
}

}  // namespace serendip
