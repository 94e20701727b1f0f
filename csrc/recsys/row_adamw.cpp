#include "recsys/row_adamw.h"

#include <torch/utils.h>

#include <cmath>

namespace serendip {
namespace {

// PyTorch's defaults.
constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;

// 1 - beta^steps.
at::Tensor bias_correction(double beta, const at::Tensor& steps) {
  return -at::expm1(steps * std::log(beta));
}

}  // namespace

RowAdamW::RowAdamW(at::Tensor table, double learning_rate, double weight_decay)
    : table_(std::move(table)),
      learning_rate_(learning_rate),
      weight_decay_(weight_decay),
      exp_avg_(at::zeros_like(table_)),
      exp_avg_sq_(at::zeros_like(table_)),
      steps_(at::zeros({table_.size(0), 1}, table_.options().requires_grad(false))) {}

void RowAdamW::step() {
  if (!table_.grad().defined()) return;
  torch::NoGradGuard no_gradients;
  const at::Tensor sparse = table_.grad().coalesce();
  const at::Tensor rows = sparse.indices()[0], gradient = sparse.values();
  const auto update = [&](at::Tensor& all, const at::Tensor& of_rows) {
    all.index_copy_(0, rows, of_rows);
    return of_rows;
  };
  const at::Tensor steps = update(steps_, steps_.index_select(0, rows) + 1);
  const at::Tensor mean =
      update(exp_avg_, exp_avg_.index_select(0, rows).mul_(kBeta1).add_(gradient, 1.0 - kBeta1));
  const at::Tensor square = update(
      exp_avg_sq_,
      exp_avg_sq_.index_select(0, rows).mul_(kBeta2).addcmul_(gradient, gradient, 1.0 - kBeta2));
  const at::Tensor deviation = (square / bias_correction(kBeta2, steps)).sqrt_().add_(kEpsilon);
  update(table_, table_.index_select(0, rows)
                     .mul_(1.0 - learning_rate_ * weight_decay_)
                     .sub_(mean / bias_correction(kBeta1, steps) / deviation, learning_rate_));
}

}  // namespace serendip
