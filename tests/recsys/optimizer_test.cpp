#include "recsys/optimizer.h"

#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>

namespace serendip {
namespace {

// Under a gradient that never changes, a step of AdamW without decay is as long as its rate.
TEST(Optimizer, TheRateRisesForAHundredSteps) {
  RecommendOptions options;
  options.learning_rate = 0.01;
  options.weight_decay = 0.0;
  torch::nn::Linear module(torch::nn::LinearOptions(2, 3).bias(false));
  Optimizer optimizer(options, *module);
  const auto step = [&] {
    const at::Tensor before = module->weight.detach().clone();
    optimizer.zero_grad();
    module->weight.sum().backward();
    optimizer.step();
    return (before - module->weight.detach()).mean().item<double>();
  };
  for (int number = 1; number <= 120; ++number)
    EXPECT_NEAR(step(), 0.01 * std::min(number, 100) / 100, 1e-6) << number;
}

}  // namespace
}  // namespace serendip
