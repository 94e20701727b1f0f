#include "train/adamw.h"

#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"

namespace serendip {
namespace {

using torch::Tensor;

constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;
constexpr const char* kKinds[] = {"exp_avg.", "exp_avg_sq.", "master."};

}  // namespace

AdamW::AdamW(ParameterBuckets& buckets, double weight_decay)
    : buckets_(buckets), weight_decay_(weight_decay) {
  SERENDIP_CHECK(!buckets.buckets().empty(), "AdamW: expected trained weights, got none");
  narrow_ = c10::isReducedFloatingType(buckets.buckets()[0].weights.scalar_type());
  for (const ParameterBucket& bucket : buckets.buckets()) {
    const Tensor own = buckets.slice(bucket.weights);
    const Tensor like = buckets.slice(bucket.gradient);
    slices_.push_back({narrow_ ? own.to(like.scalar_type()) : own, torch::zeros_like(like),
                       torch::zeros_like(like)});
  }
}

void AdamW::step(double learning_rate, double scale) {
  torch::NoGradGuard no_grad;
  ++steps_;
  std::vector<Tensor> weights, gradients, first, second, counts;
  for (size_t i = 0; i < slices_.size(); ++i) {
    const ParameterBucket& bucket = buckets_.buckets()[i];
    weights.push_back(slices_[i].master);
    gradients.push_back(buckets_.slice(bucket.gradient));
    first.push_back(slices_[i].exp_avg);
    second.push_back(slices_[i].exp_avg_sq);
    counts.push_back(torch::tensor(static_cast<float>(steps_), bucket.weights.device()));
  }
  // It divides by grad_scale.
  const std::optional<Tensor> divisor =
      scale == 1 ? std::nullopt
                 : std::optional(torch::tensor(static_cast<float>(1 / scale), weights[0].device()));
  at::_fused_adamw_(weights, gradients, first, second, {}, counts, learning_rate, kBeta1, kBeta2,
                    weight_decay_, kEpsilon, /*amsgrad=*/false, /*maximize=*/false, divisor);
  if (narrow_)
    for (size_t i = 0; i < slices_.size(); ++i)
      buckets_.slice(buckets_.buckets()[i].weights).copy_(slices_[i].master);
  buckets_.gather_weights();
}

std::vector<Tensor> AdamW::parts_of(const Slice& slice) const {
  std::vector<Tensor> parts = {slice.exp_avg, slice.exp_avg_sq};
  if (narrow_) parts.push_back(slice.master);
  return parts;
}

NamedTensors AdamW::empty_state(std::vector<std::vector<Tensor>>& whole) const {
  NamedTensors named;
  for (const ParameterBucket& bucket : buckets_.buckets()) {
    whole.emplace_back();
    for (size_t kind = 0; kind < (narrow_ ? 3 : 2); ++kind) {
      whole.back().push_back(torch::zeros_like(bucket.gradient));
      const NamedTensors views = bucket.named(kKinds[kind], whole.back().back());
      named.insert(named.end(), views.begin(), views.end());
    }
  }
  return named;
}

NamedTensors AdamW::state() const {
  torch::NoGradGuard no_grad;
  std::vector<std::vector<Tensor>> whole;
  const NamedTensors named = empty_state(whole);
  for (size_t i = 0; i < slices_.size(); ++i) {
    const std::vector<Tensor> parts = parts_of(slices_[i]);
    for (size_t kind = 0; kind < parts.size(); ++kind) {
      buckets_.slice(whole[i][kind]).copy_(parts[kind]);
      buckets_.group().all_gather(whole[i][kind]);
    }
  }
  return named;
}

void AdamW::load_state(const std::filesystem::path& file, int64_t steps) {
  torch::NoGradGuard no_grad;
  std::vector<std::vector<Tensor>> whole;
  load_tensors(file, empty_state(whole));
  for (size_t i = 0; i < slices_.size(); ++i) {
    const std::vector<Tensor> parts = parts_of(slices_[i]);
    for (size_t kind = 0; kind < parts.size(); ++kind) {
      Tensor part = parts[kind];
      part.copy_(buckets_.slice(whole[i][kind]));
    }
  }
  steps_ = steps;
}

double clip_factor(double norm, double bound) {
  return bound > 0 ? std::min(1.0, bound / (norm + 1e-6)) : 1;
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
