// Finite differences against automatic differentiation, in double.
#pragma once

#include <gtest/gtest.h>
#include <torch/utils.h>

#include <functional>
#include <string>

namespace serendip {

// Compares d loss / d parameter at every entry (or every `stride`-th) by central differences.
inline void expect_gradient(at::Tensor parameter, const at::Tensor& gradient,
                            const std::function<at::Tensor()>& loss, const std::string& name,
                            int64_t stride = 1) {
  constexpr double kStep = 1e-6;
  // Truncation h^2 and cancellation eps / h are both near 1e-10; loss values are of order 1.
  constexpr double kTolerance = 1e-7;
  torch::NoGradGuard no_gradients;
  at::Tensor flat = parameter.detach().view({-1});
  for (int64_t at = 0; at < flat.numel(); at += stride) {
    const double value = flat[at].item<double>();
    flat[at] = value + kStep;
    const double above = loss().item<double>();
    flat[at] = value - kStep;
    const double below = loss().item<double>();
    flat[at] = value;
    EXPECT_NEAR(gradient.reshape({-1})[at].item<double>(), (above - below) / (2 * kStep),
                kTolerance)
        << name << "[" << at << "]";
  }
}

}  // namespace serendip
