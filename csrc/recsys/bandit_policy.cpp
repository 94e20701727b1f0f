#include "recsys/bandit_policy.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "recsys/model_folder.h"

namespace serendip {
namespace {

std::vector<std::vector<int32_t>> parents_of(const ClusterTree& tree) {
  std::vector<std::vector<int32_t>> parents;
  for (int level = 1; level <= kPlanningLevel; ++level) parents.push_back(tree.level(level).parent);
  return parents;
}

std::vector<double> unit_length(const std::vector<float>& state) {
  double square = 0.0;
  for (const float value : state) square += static_cast<double>(value) * value;
  std::vector<double> context;
  for (const float value : state) context.push_back(value / std::sqrt(std::max(square, 1e-30)));
  return context;
}

std::vector<double> row_of(const at::Tensor& values, int64_t row) {
  const at::Tensor flat = values[row].contiguous().flatten();
  const auto* begin = flat.const_data_ptr<double>();
  return {begin, begin + flat.numel()};
}

std::vector<int64_t> whole_numbers(const at::Tensor& values) {
  const auto* begin = values.const_data_ptr<int64_t>();
  return {begin, begin + values.numel()};
}

}  // namespace

BanditPolicy::BanditPolicy(const ClusterTree& tree, std::shared_ptr<const Recommender> recommender,
                           const BanditOptions& options, uint64_t seed)
    : tree_(tree),
      recommender_(std::move(recommender)),
      options_(options),
      bandit_(parents_of(tree), recommender_->dimensions(), options),
      seed_(seed) {}

void BanditPolicy::save(const std::filesystem::path& folder) const {
  const auto nodes = static_cast<int64_t>(bandit_.nodes().size());
  const int64_t width = recommender_->dimensions();
  const at::Tensor inverse = at::empty({nodes, width, width}, at::kDouble);
  const at::Tensor sum = at::empty({nodes, width}, at::kDouble);
  std::vector<int64_t> visits;
  std::vector<double> rewards;
  for (int64_t at = 0; at < nodes; ++at) {
    const ClusterBandit::Node& node = bandit_.nodes()[static_cast<size_t>(at)];
    std::copy(node.arm.inverse().begin(), node.arm.inverse().end(),
              inverse[at].mutable_data_ptr<double>());
    std::copy(node.arm.sum().begin(), node.arm.sum().end(), sum[at].mutable_data_ptr<double>());
    visits.push_back(node.visits);
    rewards.push_back(node.reward_sum);
  }
  save_model_folder(folder, kBanditModelType,
                    {{"dimensions", width},
                     {"exploration", options_.exploration},
                     {"ridge", options_.ridge},
                     {"progressive", options_.progressive},
                     {"expand_visits", options_.expand_visits},
                     {"expand_reward", options_.expand_reward},
                     {"seed", seed_}},
                    {{"inverse", inverse},
                     {"sum", sum},
                     {"visits", at::tensor(visits, at::kLong)},
                     {"reward_sum", at::tensor(rewards, at::kDouble)},
                     {"frontier", at::tensor(bandit_.frontier(), at::kLong)}},
                    make_item_order(tree_));
}

BanditPolicy BanditPolicy::load(const std::filesystem::path& folder, const ClusterTree& tree,
                                std::shared_ptr<const Recommender> recommender) {
  const ModelFolder saved(folder, kBanditModelType, make_item_order(tree));
  const int64_t width = recommender->dimensions();
  BanditOptions options;
  options.exploration = saved.number("exploration", 0.0);
  options.ridge = saved.number("ridge", 0.0);
  options.progressive = saved.flag("progressive");
  options.expand_visits = saved.number("expand_visits", 0.0);
  options.expand_reward = saved.number("expand_reward", 0.0);
  BanditPolicy policy(tree, std::move(recommender), options,
                      static_cast<uint64_t>(saved.whole("seed", 0)));
  const auto nodes = static_cast<int64_t>(policy.bandit_.nodes().size());
  const at::Tensor inverse = saved.tensor("inverse", {nodes, width, width}, at::kDouble);
  const at::Tensor sum = saved.tensor("sum", {nodes, width}, at::kDouble);
  ClusterBandit::Learnt learnt;
  for (int64_t node = 0; node < nodes; ++node)
    learnt.arm.emplace_back(row_of(inverse, node), row_of(sum, node));
  learnt.visits = whole_numbers(saved.tensor("visits", {nodes}, at::kLong));
  learnt.reward_sum = row_of(saved.tensor("reward_sum", {nodes}, at::kDouble).unsqueeze(0), 0);
  learnt.frontier = whole_numbers(saved.list("frontier"));
  policy.bandit_.restore(std::move(learnt));
  return policy;
}

void BanditPolicy::learn(const std::vector<History>& histories, const std::vector<int32_t>& items,
                         const std::vector<double>& rewards) {
  const std::vector<int32_t>& cluster = tree_.planning().assignment;
  const std::vector<std::vector<float>> states = recommender_->states(histories);
  for (size_t event = 0; event < histories.size(); ++event) {
    const int32_t item = items[event];
    SERENDIP_CHECK(item >= 0 && static_cast<size_t>(item) < cluster.size(),
                   "cluster bandit: item: expected 0 to {}, got {}", cluster.size() - 1, item);
    bandit_.update(unit_length(states[event]), cluster[static_cast<size_t>(item)], rewards[event]);
  }
}

void BanditPolicy::learn(const History& history, int32_t item, double reward) {
  learn(std::vector<History>{history}, {item}, {reward});
}

int32_t BanditPolicy::pick(const History& history) const {
  Random random(seed_, history_key(history));
  return bandit_.select(unit_length(recommender_->state(history)), random);
}

std::vector<Recommendation> BanditPolicy::recommend(const PolicyRequest& request) const {
  if (!request.clusters.empty()) return recommender_->recommend(request);
  PolicyRequest restricted = request;
  restricted.clusters = {pick(request.history)};
  restricted.level = kPlanningLevel;
  return recommender_->recommend(restricted);
}

std::vector<float> BanditPolicy::scores(const PolicyRequest& request) const {
  return recommender_->scores(request);
}

}  // namespace serendip
