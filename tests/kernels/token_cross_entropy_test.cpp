#include <torch/types.h>

#include "distributed/device.h"
#include "kernels/ops.h"
#include "tests/base/temporary_folder.h"
#include "tests/kernels/token_cross_entropy_problem.h"

namespace serendip {
namespace {

TEST(TokenCrossEntropy, EqualsTheDefinition) {
  for (const FloatType type : {FloatType::kFloat32, FloatType::kBFloat16, FloatType::kFloat16})
    for (const int64_t vocabulary : {1, 2, 31, 1003, 49152}) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(type) << " " << vocabulary);
      TokenCrossEntropyProblem problem = random_token_problem(vocabulary, {1, 0, 7, 2}, 3, type);
      const TokenCrossEntropyProblem before = problem;
      std::vector<float> loss(problem.target.size());
      token_cross_entropy_cpu(problem.input(), loss.data());
      expect_token_cross_entropy(before, problem.logits, loss);
    }
}

TEST(TokenCrossEntropy, LargeLogitsDoNotOverflow) {
  TokenCrossEntropyProblem problem = random_token_problem(600, {3, 1}, 1000, FloatType::kFloat32);
  const TokenCrossEntropyProblem before = problem;
  std::vector<float> loss(problem.target.size());
  token_cross_entropy_cpu(problem.input(), loss.data());
  expect_token_cross_entropy(before, problem.logits, loss);
}

struct OpInputs {
  at::Tensor logits, target_offset, target, weight;
};

OpInputs op_inputs(const at::Device& device) {
  torch::manual_seed(4);
  return {torch::randn({3, 1000}).to(device),
          torch::tensor({int64_t{0}, int64_t{2}, int64_t{2}, int64_t{5}}).to(device),
          torch::tensor({int64_t{7}, int64_t{999}, int64_t{0}, int64_t{3}, int64_t{3}}).to(device),
          torch::tensor({0.5f, 1.0f, 0.25f, 2.0f, 0.125f}).to(device)};
}

// Torch's own loss and gradient.
void expect_torchs(const OpInputs& inputs) {
  const at::Tensor logits = inputs.logits.detach().clone().requires_grad_(true);
  const at::Tensor row = torch::tensor({int64_t{0}, int64_t{0}, int64_t{2}, int64_t{2}, int64_t{2}})
                             .to(logits.device());
  const at::Tensor expected = -torch::log_softmax(logits, -1).index({row, inputs.target});
  (expected * inputs.weight).sum().backward();
  at::Tensor in_place = inputs.logits;
  const at::Tensor loss =
      token_cross_entropy_(in_place, inputs.target_offset, inputs.target, inputs.weight);
  EXPECT_TRUE(torch::allclose(loss, expected, 1e-5, 1e-6));
  EXPECT_TRUE(torch::allclose(in_place, logits.grad(), 1e-5, 1e-7));
}

TEST(TokenCrossEntropyOp, EqualsTorchs) { expect_torchs(op_inputs(at::kCPU)); }

TEST(TokenCrossEntropyOp, gpu_EqualsTorchs) {
  if (!has_gpu()) GTEST_SKIP() << "gpu: no CUDA device";
  expect_torchs(op_inputs(at::kCUDA));
}

TEST(TokenCrossEntropyOp, RefusesBadInputNamingIt) {
  const OpInputs good = op_inputs(at::kCPU);
  const auto message = [](const OpInputs& inputs) {
    at::Tensor logits = inputs.logits;
    return error_of(
        [&] { token_cross_entropy_(logits, inputs.target_offset, inputs.target, inputs.weight); });
  };
  const auto has = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  OpInputs bad = good;
  bad.logits = good.logits.to(at::kInt);
  has(message(bad), "logits: expected Float, BFloat16 or Half, got Int");
  bad.logits = good.logits.t().contiguous().t();
  has(message(bad), "logits: expected a contiguous tensor");
  bad = good;
  bad.target = torch::tensor({int64_t{7}, int64_t{999}, int64_t{0}, int64_t{1000}, int64_t{3}});
  has(message(bad), "target[3]: expected 0 to 999, got 1000");
  bad = good;
  bad.target_offset = torch::tensor({int64_t{0}, int64_t{2}, int64_t{1}, int64_t{5}});
  has(message(bad), "target_offset[2]: expected at least 2, got 1");
  bad = good;
  bad.weight = torch::ones({4});
  has(message(bad), "weight: expected 5 values, got 4");
}

}  // namespace
}  // namespace serendip
