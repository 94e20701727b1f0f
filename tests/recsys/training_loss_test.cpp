#include "recsys/training_loss.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>

#include "recsys/train_model.h"
#include "tests/base/temporary_folder.h"
#include "tests/recsys/small_world.h"

namespace serendip {
namespace {

constexpr int64_t kItems = 96;

struct Problem {
  ItemOrder order = make_item_order(small_tree(kItems, 16));
  HeldOut data = leave_one_out(make_event_log(markov_dataset(300, kItems, 20), order));
};

RecommendOptions quick_options(const std::string& loss) {
  RecommendOptions options = serendip::quick_options();
  options.loss = loss;
  options.negative_count = 32;
  return options;
}

double validation_ndcg(const RecommendOptions& options) {
  const Problem problem;
  return train_sequence_model(options, problem.order, problem.data, [](const EpochReport&) {})
      .result.validation_ndcg_at_10;
}

// Two equally likely successors: a perfect model ranks the next item first or second.
TEST(TrainingLoss, SampledSoftmaxLearnsWithAllKindsOfNegatives) {
  for (const char* negatives : {"uniform", "log_uniform", "in_batch"}) {
    RecommendOptions options = quick_options("sampled_softmax");
    options.negatives = negatives;
    EXPECT_GT(validation_ndcg(options), 0.6) << negatives;
  }
}

TEST(TrainingLoss, AnEventFurtherOnWeighsHalf) {
  const Problem problem;
  SequenceModel model(SequenceModelConfig{kItems, 32, 1, 2, 10, 16}, 1);
  torch::manual_seed(1);
  const at::Tensor state = torch::randn({3, 32}), event = torch::tensor({0, 1, 2}, at::kLong);
  const at::Tensor target = torch::tensor({{5, 9, 7}, {9, 7, -1}, {-1, -1, -1}}, at::kLong);
  const at::Tensor nll = -state.matmul(model->item_embedding.t()).log_softmax(1);
  const at::Tensor expected =
      (nll[0][5] + nll[1][9] + (nll[0][9] + nll[1][7]) / 2 + nll[0][7] / 4) / 3.25;
  RecommendOptions options = quick_options("softmax");
  options.label_smoothing = 0.0;
  const at::Tensor loss =
      TrainingLoss(options, problem.data, problem.order)(model, state, target, event, /*step=*/0);
  EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-5);
}

TEST(TrainingLoss, SampledSoftmaxTouchesOnlyTheItemsItReads) {
  const Problem problem;
  RecommendOptions options = quick_options("sampled_softmax");
  options.negative_count = 8;
  SequenceModel model(SequenceModelConfig{kItems, 32, 1, 2, 10, 16}, 1);
  Dropout none;
  const at::Tensor item = torch::tensor({{3, 5, 3}}, at::kLong);
  const at::Tensor event = torch::tensor({5, 3, 90}, at::kLong), target = event.unsqueeze(1);
  const auto gradient = [&](bool sparse) {
    model->zero_grad();
    model->sparse_gradients = sparse;
    const at::Tensor state = model->forward({item, at::zeros_like(item)}, none).flatten(0, 1);
    TrainingLoss(options, problem.data, problem.order)(model, state, target, event, /*step=*/0)
        .backward();
    return model->item_embedding.grad();
  };
  const at::Tensor dense = gradient(false), sparse = gradient(true).coalesce();
  EXPECT_LE(sparse.indices().size(1), 3 + 8);
  EXPECT_TRUE(at::allclose(sparse.to_dense(), dense, 1e-6, 1e-8));
}

TEST(TrainingLoss, ReinforceLearnsWithInputFeatures) {
  RecommendOptions options = quick_options("reinforce");
  options.time_gaps = options.rewards = true;
  EXPECT_GT(validation_ndcg(options), 0.6);
}

TEST(TrainingLoss, ReinforceIsTheFormulaWithBoostedRewardsAndItsBehaviourHead) {
  Problem problem;
  for (size_t event = 0; event < problem.data.events.reward.size(); ++event)
    problem.data.events.reward[event] = static_cast<float>(event % 5);
  RecommendOptions options = quick_options("reinforce");
  options.novelty_boost = 3.0;
  SequenceModel model(SequenceModelConfig{kItems, 32, 1, 2, 10, 16, false, false, true}, 1);
  torch::manual_seed(1);
  const at::Tensor state = torch::randn({3, 32}).requires_grad_();
  const at::Tensor event = torch::tensor({0, 40, 7}, at::kLong);
  const at::Tensor target = torch::tensor({{5}, {-1}, {9}}, at::kLong);
  const at::Tensor loss =
      TrainingLoss(options, problem.data, problem.order)(model, state, target, event, /*step=*/0);

  const std::vector<bool> novel = novel_events(problem.data.events, problem.order);
  const at::Tensor kept = torch::tensor({0, 2}, at::kLong);
  const at::Tensor states = state.index_select(0, kept),
                   targets = target.flatten().index_select(0, kept);
  const at::Tensor log_prob = exact_log_prob(states, model->item_embedding, targets);
  const at::Tensor behaviour = exact_log_prob(states.detach(), model->behaviour_embedding, targets);
  const at::Tensor reward =
      torch::tensor({1.0f * (novel[1] ? 3.0f : 1.0f), 3.0f * (novel[8] ? 3.0f : 1.0f)});
  const at::Tensor expected =
      reinforce_loss(log_prob, behaviour, reward, {options.top_k, options.weight_cap}) -
      behaviour.mean();
  EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-5);
  // The behaviour head learns, but not through the state.
  loss.backward();
  EXPECT_GT(model->behaviour_embedding.grad().abs().max().item<double>(), 0.0);
  const at::Tensor through_policy = torch::autograd::grad(
      {reinforce_loss(exact_log_prob(states, model->item_embedding, targets), behaviour, reward,
                      {options.top_k, options.weight_cap})},
      {state})[0];
  EXPECT_TRUE(torch::allclose(state.grad(), through_policy, 1e-4, 1e-6));
}

TEST(TrainingLoss, ReinforceRefusesNegativeRewards) {
  Problem problem;
  problem.data.events.reward[3] = -1.0f;
  EXPECT_EQ(
      error_of([&] { TrainingLoss(quick_options("reinforce"), problem.data, problem.order); }),
      "recommend train: event 3: loss reinforce expects rewards of at least 0, got -1");
  TrainingLoss(quick_options("softmax"), problem.data, problem.order);
}

}  // namespace
}  // namespace serendip
