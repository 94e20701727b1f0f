#include "recsys/losses.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>

#include <cmath>
#include <numeric>

#include "recsys/negative_sampler.h"
#include "tests/base/temporary_folder.h"
#include "tests/recsys/gradient_check.h"

namespace serendip {
namespace {

constexpr int64_t kPlaces = 7, kItems = 11, kWidth = 4;

struct Inputs {
  at::Tensor state, item_embedding, target;

  at::Tensor item_vectors(const at::Tensor& items) const {
    return at::embedding(item_embedding, items);
  }
  Negatives negatives(const at::Tensor& items, const at::Tensor& log_expected_count) const {
    return {items, item_vectors(items), log_expected_count};
  }
};

Inputs random_inputs() {
  torch::manual_seed(3);
  const auto options = at::TensorOptions(at::kDouble).requires_grad(true);
  return {torch::randn({kPlaces, kWidth}, options), torch::randn({kItems, kWidth}, options),
          torch::tensor({5, 0, 10, 3, 5, 5, 2}, at::kLong)};
}

void expect_gradients(const Inputs& inputs, const std::function<at::Tensor()>& loss) {
  loss().backward();
  expect_gradient(inputs.state, inputs.state.grad(), loss, "state");
  expect_gradient(inputs.item_embedding, inputs.item_embedding.grad(), loss, "item_embedding");
}

// A place with two targets, one with a target, the others with none.
at::Tensor softmax_losses(const Inputs& inputs, double label_smoothing = 0.0) {
  return softmax_loss(inputs.state, inputs.item_embedding, torch::tensor({0, 2, 2}, at::kLong),
                      torch::tensor({5, 7, 1}, at::kLong), label_smoothing);
}

TEST(SoftmaxLoss, IsTheNegativeLogProbabilityOfEachPair) {
  const Inputs inputs = random_inputs();
  const at::Tensor log_prob = inputs.state.matmul(inputs.item_embedding.t()).log_softmax(1);
  EXPECT_TRUE(torch::allclose(softmax_losses(inputs),
                              -torch::stack({log_prob[0][5], log_prob[2][7], log_prob[2][1]}),
                              1e-12, 1e-12));
}

TEST(SoftmaxLoss, SmoothedLabelsAreAMixtureWithTheUniformDistribution) {
  const Inputs inputs = random_inputs();
  at::Tensor label = torch::full({3, kItems}, 0.3 / kItems, at::kDouble);
  const at::Tensor row = torch::arange(3, at::kLong), target = torch::tensor({5, 7, 1}, at::kLong);
  label.index_put_({row, target}, 0.7 + 0.3 / kItems);
  const at::Tensor log_prob = inputs.state.matmul(inputs.item_embedding.t()).log_softmax(1);
  const at::Tensor expected =
      -(label * log_prob.index_select(0, torch::tensor({0, 2, 2}, at::kLong))).sum(1);
  EXPECT_TRUE(torch::allclose(softmax_losses(inputs, 0.3), expected, 1e-12, 1e-12));
}

TEST(SoftmaxLoss, GradientsEqualFiniteDifferences) {
  const Inputs inputs = random_inputs();
  expect_gradients(inputs, [&] { return softmax_losses(inputs, 0.1).mean(); });
}

TEST(SampledSoftmaxLoss, WithAllItemsAsNegativesEqualsTheFullSoftmax) {
  const Inputs inputs = random_inputs();
  const at::Tensor everything = torch::arange(kItems, at::kLong);
  const auto full = [&] {
    return softmax_loss(inputs.state, inputs.item_embedding, torch::arange(kPlaces, at::kLong),
                        inputs.target)
        .mean();
  };
  const auto sampled = [&] {
    return sampled_softmax_loss(inputs.state, inputs.item_vectors(inputs.target), inputs.target,
                                inputs.negatives(everything, torch::zeros({kItems}, at::kDouble)))
        .mean();
  };
  EXPECT_NEAR(sampled().item<double>(), full().item<double>(), 1e-12);
  const auto parameters = {inputs.state, inputs.item_embedding};
  const auto expected = torch::autograd::grad({full()}, parameters);
  const auto actual = torch::autograd::grad({sampled()}, parameters);
  for (size_t at = 0; at < expected.size(); ++at)
    EXPECT_TRUE(torch::allclose(actual[at], expected[at], 1e-12, 1e-12));
}

// The definition, one loop an index: repeated negatives, hits, unequal expected counts.
TEST(SampledSoftmaxLoss, EqualsTheDefinitionAndItsGradientsFiniteDifferences) {
  const Inputs inputs = random_inputs();
  const std::vector<int64_t> drawn{5, 1, 1, 9, 0};
  const at::Tensor log_count = torch::linspace(-2.0, 1.0, kItems, at::kDouble);
  const at::Tensor negatives = torch::tensor(drawn, at::kLong);
  const auto loss = [&] {
    return sampled_softmax_loss(inputs.state, inputs.item_vectors(inputs.target), inputs.target,
                                inputs.negatives(negatives, log_count))
        .mean();
  };
  const at::Tensor score =
      inputs.state.matmul(inputs.item_embedding.t()).detach() - log_count.unsqueeze(0);
  double expected = 0.0;
  for (int64_t place = 0; place < kPlaces; ++place) {
    const auto target = inputs.target[place].item<int64_t>();
    const auto target_score = score[place][target].item<double>();
    double sum = std::exp(target_score);
    for (const int64_t item : drawn)
      if (item != target) sum += std::exp(score[place][item].item<double>());
    expected += (std::log(sum) - target_score) / kPlaces;
  }
  EXPECT_NEAR(loss().item<double>(), expected, 1e-12);
  expect_gradients(inputs, loss);
}

// What the correction is for: whatever distribution negatives come from, scores equal to the true
// log-probabilities are (nearly: hits are left out) a stationary point. Without it they are not.
TEST(SampledSoftmaxLoss, TrueLogProbabilitiesAreStationaryForSkewedNegatives) {
  constexpr int64_t kGroups = 500, kRows = 200, kDrawn = 10, kChoices = 50;
  std::vector<double> truth, skewed;
  for (int64_t choice = 0; choice < kChoices; ++choice) {
    truth.push_back(1.0 / static_cast<double>(choice + 1));
    skewed.push_back(1.0 / static_cast<double>(kChoices - choice));
  }
  const NegativeSampler target_sampler(truth), negative_sampler(skewed);
  const at::Tensor score = torch::tensor(truth, at::kDouble).log().unsqueeze(1).requires_grad_();
  const at::Tensor state = torch::ones({kRows, 1}, at::kDouble);
  const auto gradient_at_truth = [&](const at::Tensor& log_count) {
    Random random(9);
    at::Tensor sum = torch::zeros({kChoices, 1}, at::kDouble);
    for (int64_t group = 0; group < kGroups; ++group) {
      const at::Tensor target = torch::tensor(target_sampler.draw(random, kRows), at::kLong);
      const at::Tensor drawn = torch::tensor(negative_sampler.draw(random, kDrawn), at::kLong);
      const at::Tensor loss = sampled_softmax_loss(state, at::embedding(score, target), target,
                                                   {drawn, at::embedding(score, drawn), log_count})
                                  .mean();
      sum += torch::autograd::grad({loss}, {score})[0] / kGroups;
    }
    return sum.abs().sum().item<double>();
  };
  const double corrected = gradient_at_truth(torch::tensor(skewed, at::kDouble).log());
  const double plain = gradient_at_truth(torch::zeros({kChoices}, at::kDouble));
  EXPECT_LT(corrected, 0.2 * plain) << corrected << " against " << plain;
}

TEST(ExactLogProb, ByRangesEqualsTheWholeWithItsGradients) {
  torch::manual_seed(4);
  constexpr int64_t kMany = 9001;  // two whole ranges and a part
  const at::Tensor target = torch::tensor({0, 4095, 4096, 9000, 17, 17}, at::kLong);
  const at::Tensor state = torch::randn({6, 8}).requires_grad_();
  const at::Tensor items = torch::randn({kMany, 8}).requires_grad_();
  const at::Tensor direction = torch::randn({6});
  const at::Tensor whole = exact_log_prob(state, items, target);
  const at::Tensor ranges = exact_log_prob(state, items, target, /*most_scores=*/1);
  // Sums of 9,001 float32 terms in different orders.
  EXPECT_TRUE(torch::allclose(ranges, whole, 1e-5, 1e-5));
  const auto expected = torch::autograd::grad({(whole * direction).sum()}, {state, items});
  const auto actual = torch::autograd::grad({(ranges * direction).sum()}, {state, items});
  for (size_t at = 0; at < expected.size(); ++at)
    EXPECT_TRUE(torch::allclose(actual[at], expected[at], 1e-4, 1e-5));
}

struct Reinforcement {
  Inputs inputs = random_inputs();
  at::Tensor behaviour =
      torch::log(torch::tensor({0.1, 0.5, 1e-6, 0.9, 0.2, 0.05, 0.3}, at::kDouble));
  at::Tensor reward = torch::tensor({1.0, 0.0, 2.0, 0.5, 1.0, 3.0, 1.0}, at::kDouble);

  at::Tensor log_prob() const {
    return exact_log_prob(inputs.state, inputs.item_embedding, inputs.target);
  }
  // The constants of each event, by the formula.
  at::Tensor factors(double top_k, double cap) const {
    const at::Tensor pi = log_prob().detach().exp();
    at::Tensor result = torch::empty({kPlaces}, at::kDouble);
    for (int64_t place = 0; place < kPlaces; ++place) {
      const auto probability = pi[place].item<double>();
      const double weight = std::min(probability / std::exp(behaviour[place].item<double>()), cap);
      result[place] =
          weight * top_k * std::pow(1.0 - probability, top_k - 1.0) * reward[place].item<double>();
    }
    return result;
  }
};

TEST(ReinforceLoss, GradientsAreThoseOfFixedWeights) {
  const Reinforcement problem;
  const at::Tensor factors = problem.factors(4.0, 2.0);
  // Finite differences with the weights held where they are: what stop-gradient means.
  const auto fixed = [&] { return -(factors * problem.log_prob()).mean(); };
  const at::Tensor loss =
      reinforce_loss(problem.log_prob(), problem.behaviour, problem.reward, {4.0, 2.0});
  EXPECT_NEAR(loss.item<double>(), fixed().item<double>(), 1e-12);
  loss.backward();
  const Inputs& inputs = problem.inputs;
  expect_gradient(inputs.state, inputs.state.grad(), fixed, "state");
  expect_gradient(inputs.item_embedding, inputs.item_embedding.grad(), fixed, "item_embedding");
}

TEST(ReinforceLoss, OneItemIsPlainOffPolicyCorrection) {
  const Reinforcement problem;
  const at::Tensor log_prob = problem.log_prob();
  const at::Tensor weight = (log_prob.detach() - problem.behaviour).exp().clamp_max(20.0);
  const at::Tensor plain = -(weight * problem.reward * log_prob).mean();
  const at::Tensor loss = reinforce_loss(log_prob, problem.behaviour, problem.reward, {1.0, 20.0});
  EXPECT_NEAR(loss.item<double>(), plain.item<double>(), 1e-12);
}

TEST(ReinforceLoss, NothingFlowsToTheBehaviourOrTheReward) {
  const Reinforcement problem;
  const at::Tensor behaviour = problem.behaviour.clone().requires_grad_();
  const at::Tensor reward = problem.reward.clone().requires_grad_();
  reinforce_loss(problem.log_prob(), behaviour, reward, {4.0, 2.0}).backward();
  EXPECT_FALSE(behaviour.grad().defined());
  EXPECT_FALSE(reward.grad().defined());
}

TEST(ReinforceLoss, ACertainActionStaysFinite) {
  const at::Tensor log_prob = torch::zeros({1}, at::kDouble).requires_grad_();
  const at::Tensor none = torch::zeros({1}, at::kDouble), one = torch::ones({1}, at::kDouble);
  reinforce_loss(log_prob, none, one, {16.0, 20.0}).backward();
  EXPECT_EQ(log_prob.grad().item<double>(), 0.0);
  const at::Tensor single = torch::zeros({1}, at::kDouble).requires_grad_();
  reinforce_loss(single, none, one, {1.0, 20.0}).backward();
  EXPECT_EQ(single.grad().item<double>(), -1.0);
}

TEST(NegativeSampler, DrawsInProportionAndNeverWhatHasNoWeight) {
  const std::vector<double> weight{0.0, 3.0, 0.0, 1.0, 0.0};
  const NegativeSampler sampler(weight);
  EXPECT_EQ(sampler.probability(), (std::vector<double>{0.0, 0.75, 0.0, 0.25, 0.0}));
  Random random(4);
  std::vector<int64_t> count(5);
  for (const int64_t item : sampler.draw(random, 10000)) ++count[static_cast<size_t>(item)];
  EXPECT_EQ(count[0] + count[2] + count[4], 0);
  EXPECT_NEAR(static_cast<double>(count[1]), 7500.0, 220.0);  // five standard errors
  EXPECT_EQ(error_of([] {
              NegativeSampler({0.0, 0.0});
            }),
            "negative sampler: expected a positive weight among 2 items, got none");
  EXPECT_EQ(error_of([] {
              NegativeSampler({1.0, -1.0});
            }),
            "negative sampler: item 1: expected a weight of at least 0, got -1");
}

TEST(NegativeSampler, LogUniformFollowsTheRankOfPopularity) {
  const std::vector<double> probability = log_uniform_probability({4, 9, 4, 0});
  EXPECT_DOUBLE_EQ(probability[1], std::log(2.0) / std::log(5.0));
  EXPECT_DOUBLE_EQ(probability[0], std::log(3.0 / 2.0) / std::log(5.0));
  EXPECT_DOUBLE_EQ(probability[2], std::log(4.0 / 3.0) / std::log(5.0));
  EXPECT_NEAR(std::accumulate(probability.begin(), probability.end(), 0.0), 1.0, 1e-12);
}

}  // namespace
}  // namespace serendip
