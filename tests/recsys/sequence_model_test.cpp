#include "recsys/sequence_model.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>

#include "recsys/event_features.h"
#include "recsys/losses.h"
#include "tests/base/temporary_folder.h"
#include "tests/recsys/gradient_check.h"

namespace serendip {
namespace {

SequenceModel tiny_model(int64_t max_length = 50, bool features = false) {
  SequenceModel model(SequenceModelConfig{11, 8, 2, 2, max_length, 3, features, features}, 1);
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
  return model->forward({row(item), row(segment)}, none)[0];
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
  const at::Tensor together =
      model->last_state({History{{3}}, History{{1, 5, 3, 7, 2, 9}}, History{{4, 6}}});
  const at::Tensor expected =
      torch::stack({states_of(model, {3}, {0})[0], states_of(model, {3, 7, 2, 9}, {0, 0, 0, 0})[3],
                    states_of(model, {4, 6}, {0, 0})[1]});
  EXPECT_TRUE(torch::allclose(together, expected, 1e-12, 1e-12));
  EXPECT_EQ(error_of([&] { model->last_state({History{}}); }),
            "sequence model: expected a history of at least 1 item, got 0");
}

TEST(SequenceModel, LastStateReadsTimesAndRewardsOfTheWholeHistory) {
  SequenceModel model = tiny_model(2, /*features=*/true);
  const History history{{1, 5, 3}, {0, 100, 103}, {1.0f, 4.5f, -2.0f}};
  torch::NoGradGuard no_gradients;
  Dropout none;
  // The gap of the first event read is the one to the event that is not.
  const SequenceInput input{torch::tensor({{5, 3}}, at::kLong), torch::tensor({{1, 1}}, at::kLong),
                            torch::tensor({{time_gap_bucket(100), time_gap_bucket(3)}}, at::kLong),
                            torch::tensor({{compressed_reward(4.5f), compressed_reward(-2.0f)}})};
  EXPECT_TRUE(torch::allclose(model->last_state({history})[0], model->forward(input, none)[0][1],
                              1e-12, 1e-12));
  EXPECT_EQ(error_of([&] {
              model->last_state({History{{1}, {}, {1.0f}}});
            }),
            "sequence model: expected the times of a history's 1 items, got 0");
  EXPECT_EQ(error_of([&] {
              model->last_state({History{{1}, {7}}});
            }),
            "sequence model: expected the rewards of a history's 1 items, got 0");
}

TEST(SequenceModel, GradientsEqualFiniteDifferences) {
  SequenceModel model = tiny_model(50, /*features=*/true);
  Dropout none;
  const SequenceInput input{
      torch::tensor({{1, 5, 3, 7, 2}, {6, 6, 0, 8, 9}}, at::kLong),
      torch::tensor({{0, 0, 0, 0, 0}, {1, 1, 2, 2, 2}}, at::kLong),
      torch::tensor({{0, 3, 31, 1, 7}, {0, 3, 0, 2, 2}}, at::kLong),
      torch::tensor({{1.0, 0.5, 0.0, 2.0, -1.0}, {1.0, 1.0, 3.0, 0.3, 0.1}}, at::kDouble)};
  const at::Tensor place = torch::arange(9, at::kLong);
  const at::Tensor target = torch::tensor({5, 3, 7, 2, 10, 6, 4, 8, 9}, at::kLong);
  const auto loss = [&] {
    return softmax_loss(model->forward(input, none).flatten(0, 1), model->item_embedding, place,
                        target)
        .mean();
  };
  loss().backward();
  for (const auto& parameter : model->named_parameters())
    expect_gradient(parameter.value(), parameter.value().grad(), loss, parameter.key(), 5);
}

TEST(EventFeatures, GapsFallInBinaryBucketsAndRewardsKeepTheirSign) {
  EXPECT_EQ(time_gap_bucket(-5), 1);
  EXPECT_EQ(time_gap_bucket(0), 1);
  EXPECT_EQ(time_gap_bucket(1), 2);
  EXPECT_EQ(time_gap_bucket(3), 3);
  EXPECT_EQ(time_gap_bucket(4), 4);
  EXPECT_EQ(time_gap_bucket(INT64_MAX), kTimeGapBuckets - 1);
  EXPECT_FLOAT_EQ(compressed_reward(-2.0f), -std::log(3.0f));
  EXPECT_EQ(compressed_reward(0.0f), 0.0f);
}

TEST(SequenceModel, RefusesHeadsThatDoNotDivide) {
  EXPECT_EQ(error_of([] {
              SequenceModel(SequenceModelConfig{11, 8, 2, 3, 50, 3}, 1);
            }),
            "sequence model: heads: expected a divisor of 8 dimensions, got 3");
}

}  // namespace
}  // namespace serendip
