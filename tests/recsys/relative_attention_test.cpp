#include "recsys/relative_attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/recsys/gradient_check.h"

namespace serendip {
namespace {

constexpr int64_t kBatch = 2, kHeads = 2, kLength = 6, kWidth = 3, kMaxDistance = 2;

struct Inputs {
  at::Tensor query, key, value, key_distance, value_distance, segment;
};

Inputs random_inputs() {
  torch::manual_seed(5);
  const auto options = at::TensorOptions(at::kDouble).requires_grad(true);
  const std::vector<int64_t> shape{kBatch, kHeads, kLength, kWidth};
  return {torch::randn(shape, options),
          torch::randn(shape, options),
          torch::randn(shape, options),
          torch::randn({kMaxDistance + 1, kWidth}, options),
          torch::randn({kMaxDistance + 1, kWidth}, options),
          torch::tensor({{0, 0, 0, 1, 1, 1}, {4, 4, 4, 4, 4, 7}}, at::kLong)};
}

at::Tensor attention(const Inputs& inputs) {
  Dropout none;
  const at::TensorOptions options = inputs.query.options().requires_grad(false);
  return relative_attention(inputs.query, inputs.key, inputs.value, inputs.key_distance,
                            inputs.value_distance,
                            distance_selector(kLength, kMaxDistance, options),
                            causal_bias(inputs.segment, options), none);
}

// The definition, one loop an index.
at::Tensor naive_attention(const Inputs& inputs) {
  const auto query = inputs.query.accessor<double, 4>(), key = inputs.key.accessor<double, 4>();
  const auto value = inputs.value.accessor<double, 4>();
  const auto key_distance = inputs.key_distance.accessor<double, 2>();
  const auto value_distance = inputs.value_distance.accessor<double, 2>();
  const auto segment = inputs.segment.accessor<int64_t, 2>();
  at::Tensor result = torch::zeros({kBatch, kHeads, kLength, kWidth}, at::kDouble);
  auto out = result.accessor<double, 4>();
  for (int64_t b = 0; b < kBatch; ++b)
    for (int64_t h = 0; h < kHeads; ++h)
      for (int64_t i = 0; i < kLength; ++i) {
        double total = 0.0, weight[kLength] = {};
        for (int64_t j = 0; j <= i; ++j) {
          if (segment[b][i] != segment[b][j]) continue;
          const int64_t distance = std::min(i - j, kMaxDistance);
          double score = 0.0;
          for (int64_t c = 0; c < kWidth; ++c)
            score += query[b][h][i][c] * (key[b][h][j][c] + key_distance[distance][c]);
          weight[j] = std::exp(score / std::sqrt(static_cast<double>(kWidth)));
          total += weight[j];
        }
        for (int64_t j = 0; j <= i; ++j)
          for (int64_t c = 0; c < kWidth; ++c)
            out[b][h][i][c] +=
                weight[j] / total *
                (value[b][h][j][c] + value_distance[std::min(i - j, kMaxDistance)][c]);
      }
  return result;
}

TEST(RelativeAttention, EqualsTheDefinition) {
  const Inputs inputs = random_inputs();
  EXPECT_TRUE(torch::allclose(attention(inputs), naive_attention(inputs), 1e-12, 1e-12));
}

TEST(RelativeAttention, GradientsEqualFiniteDifferences) {
  const Inputs inputs = random_inputs();
  const at::Tensor direction = torch::randn({kBatch, kHeads, kLength, kWidth}, at::kDouble);
  const auto loss = [&] { return (attention(inputs) * direction).sum(); };
  loss().backward();
  expect_gradient(inputs.query, inputs.query.grad(), loss, "query");
  expect_gradient(inputs.key, inputs.key.grad(), loss, "key");
  expect_gradient(inputs.value, inputs.value.grad(), loss, "value");
  expect_gradient(inputs.key_distance, inputs.key_distance.grad(), loss, "key_distance");
  expect_gradient(inputs.value_distance, inputs.value_distance.grad(), loss, "value_distance");
}

TEST(Dropout, KeepsTheMeanAndDependsOnSeedStepAndCallAlone) {
  Dropout dropout(0.25, 7);
  const at::Tensor ones = torch::ones({1000, 101});
  dropout.begin_step(3);
  const at::Tensor first = dropout(ones), second = dropout(ones);
  EXPECT_FALSE(torch::equal(first, second));
  // 101,000 draws: five standard errors of the share dropped are 0.007.
  EXPECT_NEAR((first == 0).to(at::kFloat).mean().item<double>(), 0.25, 0.007);
  EXPECT_NEAR(first.max().item<double>(), 1.0 / 0.75, 1e-6);
  at::set_num_threads(1);
  dropout.begin_step(3);
  EXPECT_TRUE(torch::equal(dropout(ones), first));
  dropout.begin_step(4);
  EXPECT_FALSE(torch::equal(dropout(ones), first));
  at::set_num_threads(2);
}

}  // namespace
}  // namespace serendip
