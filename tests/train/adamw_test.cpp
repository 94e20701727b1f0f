#include "train/adamw.h"

#include <gtest/gtest.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>

#include <cmath>

#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

using torch::Tensor;

constexpr int64_t kSizes[] = {3, 40, 7};

// Two parts, the first with two tensors, [size, 5] each.
TrainedTensors some_tensors(torch::ScalarType dtype) {
  torch::manual_seed(3);
  TrainedTensors trained{std::vector<NamedTensors>(3)};
  for (size_t i = 0; i < 3; ++i)
    trained.parts[i == 2 ? 2 : 0].emplace_back(std::to_string(i),
                                               torch::randn({kSizes[i], 5}, dtype));
  return trained;
}

std::vector<Tensor> flat_list(const TrainedTensors& trained) {
  std::vector<Tensor> all;
  for (const NamedTensors& part : trained.parts)
    for (const auto& [name, tensor] : part) all.push_back(tensor);
  return all;
}

void add(ParameterBuckets& buckets, const std::vector<Tensor>& gradients) {
  buckets.add(2, {gradients[2]}, true, true);
  buckets.add(0, {gradients[0], gradients[1]}, true, true);
}

class AdamWTest : public testing::TestWithParam<std::tuple<double, double>> {};

// 50 steps beside torch::optim::AdamW with torch's own clipping, on a quadratic with noise.
TEST_P(AdamWTest, EqualsTorchOver50Steps) {
  const auto [weight_decay, clip_norm] = GetParam();
  const TrainedTensors trained = some_tensors(torch::kFloat64);
  std::vector<Tensor> ours = flat_list(trained), theirs;
  for (const Tensor& tensor : ours) theirs.push_back(tensor.clone().requires_grad_(true));
  ProcessGroup alone(LaunchInfo{});
  ParameterBuckets buckets(trained, alone);
  AdamW optimizer(buckets, weight_decay);
  torch::optim::AdamW reference(theirs, torch::optim::AdamWOptions(0.1).weight_decay(weight_decay));
  for (int64_t step = 0; step < 50; ++step) {
    const double rate = scheduled_learning_rate("cosine", 0.1, step, 5, 50);
    std::vector<Tensor> gradients;
    for (size_t i = 0; i < ours.size(); ++i) {
      const Tensor noise = torch::randn_like(ours[i]);
      gradients.push_back(6 * (ours[i] - noise));
      ((theirs[i] - noise).square().sum() * 3).backward();
    }
    double norm = 0;
    if (clip_norm > 0) norm = torch::nn::utils::clip_grad_norm_(theirs, clip_norm);
    static_cast<torch::optim::AdamWOptions&>(reference.param_groups()[0].options()).lr(rate);
    reference.step();
    reference.zero_grad();
    add(buckets, gradients);
    const double our_norm = buckets.finish();
    optimizer.step(rate, clip_factor(our_norm, clip_norm));
    if (clip_norm > 0) {
      EXPECT_NEAR(our_norm, norm, 1e-9 * norm);
    }
  }
  // The factor of clipping goes through a float32.
  for (size_t i = 0; i < ours.size(); ++i)
    EXPECT_LT((ours[i] - theirs[i]).abs().max().item<double>(), clip_norm > 0 ? 1e-6 : 1e-10);
}

INSTANTIATE_TEST_SUITE_P(Settings, AdamWTest,
                         testing::Combine(testing::Values(0.0, 0.1), testing::Values(0.0, 1.0)));

// A thousand updates too small to change a 16-bit weight: the float32 one behind it moves as if it
// stood alone, and the weight is its rounding.
TEST(AdamW, SixteenBitWeightsFollowFloat32Ones) {
  const TrainedTensors narrow = some_tensors(torch::kBFloat16);
  TrainedTensors wide = some_tensors(torch::kBFloat16);
  for (NamedTensors& part : wide.parts)
    for (auto& [name, tensor] : part) tensor = tensor.to(torch::kFloat32);
  ProcessGroup alone(LaunchInfo{});
  ParameterBuckets narrow_buckets(narrow, alone), wide_buckets(wide, alone);
  AdamW narrow_optimizer(narrow_buckets, 0.01), wide_optimizer(wide_buckets, 0.01);
  const std::vector<Tensor> before = flat_list(narrow);
  std::vector<Tensor> start;
  for (const Tensor& tensor : before) start.push_back(tensor.clone());
  for (int step = 0; step < 1000; ++step) {
    std::vector<Tensor> gradients;
    for (const Tensor& tensor : before)
      gradients.push_back(torch::ones_like(tensor, torch::kFloat32));
    add(narrow_buckets, gradients);
    add(wide_buckets, gradients);
    narrow_optimizer.step(1e-5);
    wide_optimizer.step(1e-5);
  }
  const std::vector<Tensor> after = flat_list(narrow), expected = flat_list(wide);
  for (size_t i = 0; i < after.size(); ++i) {
    EXPECT_TRUE(torch::equal(after[i], expected[i].to(torch::kBFloat16)));
    EXPECT_FALSE(torch::equal(after[i], start[i]));
  }
}

TEST(AdamW, GoesOnFromItsSavedState) {
  for (const auto dtype : {torch::kFloat32, torch::kBFloat16}) {
    const TrainedTensors one = some_tensors(dtype), two = some_tensors(dtype);
    ProcessGroup alone(LaunchInfo{});
    ParameterBuckets one_buckets(one, alone), two_buckets(two, alone);
    AdamW optimizer(one_buckets, 0.1);
    std::vector<Tensor> gradients;
    for (const Tensor& tensor : flat_list(one)) gradients.push_back(torch::randn(tensor.sizes()));
    for (int step = 0; step < 3; ++step) {
      add(one_buckets, gradients);
      optimizer.step(0.01);
    }
    TemporaryFolder folder;
    save_tensors(folder / "state.safetensors", optimizer.state());
    for (size_t i = 0; i < 3; ++i) flat_list(two)[i].data().copy_(flat_list(one)[i]);
    AdamW resumed(two_buckets, 0.1);
    resumed.load_state(folder / "state.safetensors", 3);
    add(one_buckets, gradients);
    add(two_buckets, gradients);
    optimizer.step(0.01);
    resumed.step(0.01);
    for (size_t i = 0; i < 3; ++i)
      EXPECT_TRUE(torch::equal(flat_list(one)[i], flat_list(two)[i])) << i;
  }
}

TEST(Schedule, WarmsUpAndDecays) {
  EXPECT_DOUBLE_EQ(scheduled_learning_rate("cosine", 2, 0, 4, 12), 0.5);
  EXPECT_DOUBLE_EQ(scheduled_learning_rate("cosine", 2, 4, 4, 12), 2);
  EXPECT_DOUBLE_EQ(scheduled_learning_rate("cosine", 2, 8, 4, 12), 1);
  EXPECT_DOUBLE_EQ(scheduled_learning_rate("linear", 2, 10, 4, 12), 0.5);
  EXPECT_DOUBLE_EQ(scheduled_learning_rate("constant", 2, 11, 4, 12), 2);
}

}  // namespace
}  // namespace serendip
