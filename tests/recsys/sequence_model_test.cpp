#include "recsys/sequence_model.h"

#include <gtest/gtest.h>

#include "tests/base/temporary_folder.h"
#include "tests/recsys/gradient_check.h"

namespace serendip {
namespace {

SequenceModel tiny_model(int64_t max_length = 50) {
  SequenceModel model(SequenceModelConfig{11, 8, 2, 2, max_length, 3}, 1);
  model->to(at::kDouble);
  torch::NoGradGuard no_gradients;
  torch::manual_seed(2);
  // Larger weights than at the start of training, so that attention is far from uniform.
  for (at::Tensor parameter : model->parameters())
    parameter.add_(torch::randn_like(parameter), 0.3);
  return model;
}

at::Tensor states_of(SequenceModel& model, const std::vector<int64_t>& item,
                     const std::vector<int64_t>& segment) {
  torch::NoGradGuard no_gradients;
  Dropout none;
  const auto row = [](const std::vector<int64_t>& values) {
    return torch::tensor(values, at::kLong).unsqueeze(0);
  };
  return model->forward(row(item), row(segment), none)[0];
}

TEST(SequenceModel, LaterItemsChangeNothingEarlier) {
  SequenceModel model = tiny_model();
  const at::Tensor before = states_of(model, {1, 5, 3, 7, 2}, {0, 0, 0, 0, 0});
  const at::Tensor after = states_of(model, {1, 5, 3, 9, 4}, {0, 0, 0, 0, 0});
  EXPECT_TRUE(torch::allclose(before.slice(0, 0, 3), after.slice(0, 0, 3), 1e-12, 1e-12));
  EXPECT_FALSE(torch::allclose(before[3], after[3], 1e-3, 1e-3));
}

TEST(SequenceModel, SegmentsOfARowAreApart) {
  SequenceModel model = tiny_model();
  const at::Tensor packed = states_of(model, {1, 5, 3, 7, 2}, {4, 4, 6, 6, 6});
  EXPECT_TRUE(
      torch::allclose(packed.slice(0, 0, 2), states_of(model, {1, 5}, {0, 0}), 1e-12, 1e-12));
  EXPECT_TRUE(
      torch::allclose(packed.slice(0, 2, 5), states_of(model, {3, 7, 2}, {0, 0, 0}), 1e-12, 1e-12));
}

TEST(SequenceModel, OrderMatters) {
  SequenceModel model = tiny_model();
  EXPECT_FALSE(torch::allclose(states_of(model, {1, 5, 3}, {0, 0, 0})[2],
                               states_of(model, {5, 1, 3}, {0, 0, 0})[2], 1e-3, 1e-3));
}

TEST(SequenceModel, LastStateIgnoresPaddingAndOldItems) {
  SequenceModel model = tiny_model(4);
  const at::Tensor together = model->last_state({{3}, {1, 5, 3, 7, 2, 9}, {4, 6}});
  const at::Tensor expected =
      torch::stack({states_of(model, {3}, {0})[0], states_of(model, {3, 7, 2, 9}, {0, 0, 0, 0})[3],
                    states_of(model, {4, 6}, {0, 0})[1]});
  EXPECT_TRUE(torch::allclose(together, expected, 1e-12, 1e-12));
  EXPECT_EQ(error_of([&] { model->last_state({{}}); }),
            "sequence model: expected a history of at least 1 item, got 0");
}

TEST(SequenceModel, LossIsTheMeanOverTargets) {
  SequenceModel model = tiny_model();
  Dropout none;
  const at::Tensor item = torch::tensor({{1, 5, 3}}, at::kLong);
  const at::Tensor segment = torch::zeros({1, 3}, at::kLong);
  const at::Tensor log_prob =
      states_of(model, {1, 5, 3}, {0, 0, 0}).matmul(model->item_embedding.t()).log_softmax(1);
  const at::Tensor loss = model->loss(item, segment, torch::tensor({{5, -1, 7}}, at::kLong), none);
  const double expected = -(log_prob[0][5] + log_prob[2][7]).item<double>() / 2;
  EXPECT_NEAR(loss.item<double>(), expected, 1e-12);
}

TEST(SequenceModel, GradientsEqualFiniteDifferences) {
  SequenceModel model = tiny_model();
  Dropout none;
  const at::Tensor item = torch::tensor({{1, 5, 3, 7, 2}, {6, 6, 0, 8, 9}}, at::kLong);
  const at::Tensor segment = torch::tensor({{0, 0, 0, 0, 0}, {1, 1, 2, 2, 2}}, at::kLong);
  const at::Tensor target = torch::tensor({{5, 3, 7, 2, 10}, {6, 4, 8, 9, -1}}, at::kLong);
  const auto loss = [&] { return model->loss(item, segment, target, none); };
  loss().backward();
  for (const auto& parameter : model->named_parameters())
    expect_gradient(parameter.value(), parameter.value().grad(), loss, parameter.key(), 5);
}

TEST(SequenceModel, RefusesHeadsThatDoNotDivide) {
  EXPECT_EQ(error_of([] {
              SequenceModel(SequenceModelConfig{11, 8, 2, 3, 50, 3}, 1);
            }),
            "sequence model: heads: expected a divisor of 8 dimensions, got 3");
}

}  // namespace
}  // namespace serendip
