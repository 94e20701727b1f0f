#include "recsys/two_tower.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>

#include "recsys/train_two_tower.h"
#include "recsys/two_tower_policy.h"
#include "tests/base/temporary_folder.h"
#include "tests/recsys/gradient_check.h"
#include "tests/recsys/small_world.h"

namespace serendip {
namespace {

constexpr int64_t kItems = 9;

TwoTowerModel tiny_model() {
  TwoTowerModel model(TwoTowerConfig{{0, 0, 0, 1, 1, 1, 2, 2, 2}, 3, 4, 3}, 1);
  model->to(at::kDouble);
  return model;
}

const std::vector<History> kHistories{History{{3}}, History{{8, 1, 1, 5}}, History{{2, 0}}};

at::Tensor double_tensor(const std::vector<double>& values) {
  return torch::tensor(values, at::kDouble);
}

// The towers and the loss by the definition, one loop an index.
TEST(TwoTower, LossEqualsTheDefinition) {
  TwoTowerModel model = tiny_model();
  torch::NoGradGuard no_gradients;
  const auto features = [&](int64_t item) {
    return model->item_embedding[item] +
           model->cluster_embedding[model->item_cluster[item].item<int64_t>()];
  };
  std::vector<at::Tensor> users;
  for (const History& history : kHistories) {
    const auto count = std::min<size_t>(3, history.item.size());
    at::Tensor mean = torch::zeros({4}, at::kDouble);
    for (size_t back = 1; back <= count; ++back)
      mean += features(history.item[history.item.size() - back]) / static_cast<double>(count);
    users.push_back(model->user_out(model->user_in(mean).relu()));
  }
  const std::vector<int64_t> target{4, 7, 4}, uniform{0, 7, 7, 2};
  const std::vector<double> unigram{0.1, 0.0, 0.1, 0.2, 0.3, 0.0, 0.1, 0.1, 0.1};
  const auto score = [&](size_t row, int64_t item) {
    const double expected_count =
        3.0 * unigram[static_cast<size_t>(item)] + 4.0 / static_cast<double>(kItems);
    const at::Tensor vector = model->item_out(model->item_in(features(item)).relu());
    return users[row].dot(vector).item<double>() - std::log(expected_count);
  };
  double expected = 0.0;
  for (size_t row = 0; row < target.size(); ++row) {
    double sum = std::exp(score(row, target[row]));
    for (const auto& candidates : {target, uniform})
      for (const int64_t item : candidates)
        if (item != target[row]) sum += std::exp(score(row, item));
    expected += (std::log(sum) - score(row, target[row])) / 3.0;
  }
  const at::Tensor loss =
      mixed_negative_loss(model, kHistories, torch::tensor(target, at::kLong),
                          torch::tensor(uniform, at::kLong), double_tensor(unigram));
  EXPECT_NEAR(loss.item<double>(), expected, 1e-12);
}

TEST(TwoTower, GradientsEqualFiniteDifferences) {
  TwoTowerModel model = tiny_model();
  const at::Tensor target = torch::tensor({4, 7, 4}, at::kLong);
  const at::Tensor uniform = torch::tensor({0, 7, 7, 2}, at::kLong);
  const at::Tensor unigram = double_tensor({0.1, 0.0, 0.1, 0.2, 0.3, 0.0, 0.1, 0.1, 0.1});
  const auto loss = [&] {
    return mixed_negative_loss(model, kHistories, target, uniform, unigram);
  };
  loss().backward();
  for (const auto& parameter : model->named_parameters())
    expect_gradient(parameter.value(), parameter.value().grad(), loss, parameter.key());
}

TEST(TwoTower, SparseGradientsAreTheDenseOnes) {
  const at::Tensor target = torch::tensor({4, 7, 4}, at::kLong);
  const at::Tensor uniform = torch::tensor({0, 7, 7, 2}, at::kLong);
  const at::Tensor unigram = double_tensor({0.1, 0.0, 0.1, 0.2, 0.3, 0.0, 0.1, 0.1, 0.1});
  std::vector<at::Tensor> gradient;
  for (const bool sparse : {false, true}) {
    TwoTowerModel model = tiny_model();
    model->sparse_gradients = sparse;
    mixed_negative_loss(model, kHistories, target, uniform, unigram).backward();
    gradient.push_back(model->item_embedding.grad());
  }
  ASSERT_TRUE(gradient[1].is_sparse());
  // Items 6 and 8 (too far back) are neither read nor scored.
  EXPECT_EQ(gradient[1].coalesce().indices().size(1), kItems - 2);
  EXPECT_TRUE(at::allclose(gradient[1].to_dense(), gradient[0], 1e-12, 1e-12));
}

// Users stay within a neighbourhood of items: what a bag of items can learn.
Dataset neighbourhoods(int64_t users, int64_t items) {
  Dataset data = markov_dataset(0, items, 0);
  for (int64_t user = 0; user < users; ++user) {
    Random random(3, static_cast<uint64_t>(user));
    const auto centre = static_cast<int64_t>(random.below(static_cast<uint64_t>(items)));
    for (int64_t event = 0; event < 12; ++event) {
      data.event_item.push_back(
          static_cast<int32_t>((centre + static_cast<int64_t>(random.below(16))) % items));
      data.event_time.push_back(event);
      data.event_reward.push_back(1.0f);
    }
    data.user_id.push_back("user" + std::to_string(user));
    data.user_offset.push_back(data.event_count());
  }
  return data;
}

TEST(TwoTower, LearnsNeighbourhoodsAndServesAsAPolicy) {
  const ClusterTree tree = small_tree(96, 16);
  const ItemOrder order = make_item_order(tree);
  const HeldOut data = leave_one_out(make_event_log(neighbourhoods(300, 96), order));
  RecommendOptions options;
  options.dimensions = 32;
  options.max_length = 10;
  options.batch_size = 16;
  options.learning_rate = 5e-3;
  options.negative_count = 32;
  options.epochs = 20;
  const TrainedTwoTower trained = train_two_tower(options, order, data, [](const EpochReport&) {});
  // Of the 16 items of a neighbourhood about 8 are unseen: chance within it gives 0.5 or so, and
  // chance among all 96 items 0.05.
  EXPECT_GT(trained.result.validation_ndcg_at_10, 0.3);

  const TwoTowerPolicy policy(tree, trained.model);
  const PolicyRequest request{{{5, 9, 12}}, {1, 2}, 7};
  const std::vector<float> scores = policy.scores(request);
  TwoTowerModel model = trained.model;
  torch::NoGradGuard no_gradients;
  const at::Tensor expected =
      model->user({History{{order.position[5], order.position[9], order.position[12]}}})
          .matmul(model->all_items().t());
  for (size_t item = 0; item < scores.size(); ++item)
    EXPECT_NEAR(scores[item], expected[0][order.position[item]].item<float>(), 1e-4);
  const auto best = policy.recommend(request);
  ASSERT_EQ(best.size(), 7u);
  for (const Recommendation& entry : best) {
    const int32_t cluster = tree.planning().assignment[static_cast<size_t>(entry.item)];
    EXPECT_TRUE(cluster == 1 || cluster == 2);
  }
  EXPECT_EQ(error_of([&] { policy.recommend({}); }),
            "two-tower model: expected a history of at least 1 item, got 0");
}

}  // namespace
}  // namespace serendip
