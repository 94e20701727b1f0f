#include "train/adamw.h"

#include <gtest/gtest.h>

#include <cmath>

namespace serendip {
namespace {

using torch::Tensor;

class AdamWTest : public testing::TestWithParam<std::tuple<double, double>> {};

// 50 steps beside torch::optim::AdamW with torch's own clipping, on a quadratic with noise.
TEST_P(AdamWTest, EqualsTorchOver50Steps) {
  const auto [weight_decay, clip_norm] = GetParam();
  torch::manual_seed(3);
  std::vector<Tensor> ours, theirs;
  NamedTensors named;
  for (const int64_t size : {3, 40, 7}) {
    ours.push_back(torch::randn({size, 5}, torch::kFloat64));
    theirs.push_back(ours.back().clone().requires_grad_(true));
    named.emplace_back(std::to_string(size), ours.back());
  }
  AdamW optimizer(named, weight_decay);
  torch::optim::AdamW reference(theirs, torch::optim::AdamWOptions(0.1).weight_decay(weight_decay));
  for (int64_t step = 0; step < 50; ++step) {
    const double rate = scheduled_learning_rate("cosine", 0.1, step, 5, 50);
    for (size_t i = 0; i < ours.size(); ++i) {
      const Tensor noise = torch::randn_like(ours[i]);
      ((ours[i] - noise).square().sum() * 3).backward();
      ((theirs[i] - noise).square().sum() * 3).backward();
    }
    double norm = 0;
    if (clip_norm > 0) norm = torch::nn::utils::clip_grad_norm_(theirs, clip_norm);
    static_cast<torch::optim::AdamWOptions&>(reference.param_groups()[0].options()).lr(rate);
    reference.step();
    reference.zero_grad();
    const double our_norm = optimizer.step(rate, clip_norm);
    if (clip_norm > 0) {
      EXPECT_NEAR(our_norm, norm, 1e-9 * norm);
    }
  }
  for (size_t i = 0; i < ours.size(); ++i)
    EXPECT_LT((ours[i] - theirs[i]).abs().max().item<double>(), 1e-10);
}

INSTANTIATE_TEST_SUITE_P(Settings, AdamWTest,
                         testing::Combine(testing::Values(0.0, 0.1), testing::Values(0.0, 1.0)));

TEST(Schedule, WarmsUpAndDecays) {
  EXPECT_DOUBLE_EQ(scheduled_learning_rate("cosine", 2, 0, 4, 12), 0.5);
  EXPECT_DOUBLE_EQ(scheduled_learning_rate("cosine", 2, 4, 4, 12), 2);
  EXPECT_DOUBLE_EQ(scheduled_learning_rate("cosine", 2, 8, 4, 12), 1);
  EXPECT_DOUBLE_EQ(scheduled_learning_rate("linear", 2, 10, 4, 12), 0.5);
  EXPECT_DOUBLE_EQ(scheduled_learning_rate("constant", 2, 11, 4, 12), 2);
}

TEST(AdamW, RefusesAnInfiniteGradient) {
  Tensor weight = torch::ones({2});
  AdamW optimizer({{"w", weight}}, 0);
  weight.mutable_grad() = torch::tensor({1.F, INFINITY});
  EXPECT_THROW(optimizer.step(0.1, 1), std::exception);
}

}  // namespace
}  // namespace serendip
