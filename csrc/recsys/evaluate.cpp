#include "recsys/evaluate.h"

#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>

#include "base/interrupt.h"
#include "recsys/list_metrics.h"
#include "recsys/ranking.h"

namespace serendip {
namespace {

constexpr int64_t kNotListed = int64_t{1} << 52;  // a rank that adds nothing to any metric
constexpr int64_t kMostUsers = 256;               // a batch
constexpr int64_t kMostScores = 1 << 25;          // 128 MiB of them at once

History history_of(const HeldOut& data, int64_t user, HeldOutEvent event) {
  return data.events.before(user, data.held_out(event)[static_cast<size_t>(user)]);
}

int64_t target_of(const HeldOut& data, int64_t user, HeldOutEvent event) {
  const int64_t at = data.held_out(event)[static_cast<size_t>(user)];
  return data.events.item[static_cast<size_t>(at)];
}

// [B, N] by position.
at::Tensor catalogue_scores(const Policy& policy, const ItemOrder& order,
                            std::vector<History> histories) {
  for (History& history : histories) history = in_items(order, std::move(history));
  const std::vector<std::vector<float>> scores = policy.batch_scores(histories);
  at::Tensor result = at::empty({static_cast<int64_t>(scores.size()), order.size()}, at::kFloat);
  auto* value = result.mutable_data_ptr<float>();
  for (const std::vector<float>& row : scores)
    for (const int32_t item : order.item) *value++ = row[static_cast<size_t>(item)];
  return result;
}

}  // namespace

History in_items(const ItemOrder& order, History history) {
  for (int32_t& item : history.item) item = order.item[static_cast<size_t>(item)];
  return history;
}

HeldOutRanking held_out_ranking(
    const HeldOut& data, HeldOutEvent event, int64_t item_count,
    const std::function<at::Tensor(const std::vector<History>&)>& score) {
  const std::vector<int64_t> users = data.evaluated_users(event);
  const auto batch =
      static_cast<size_t>(std::clamp<int64_t>(kMostScores / item_count, 1, kMostUsers));
  torch::NoGradGuard no_gradients;
  HeldOutRanking result;
  for (size_t first = 0; first < users.size(); first += batch) {
    throw_if_interrupted();
    std::vector<History> histories;
    for (size_t at = first; at < std::min(first + batch, users.size()); ++at)
      histories.push_back(history_of(data, users[at], event));
    const at::Tensor scores = score(histories).to(at::kCPU).contiguous();
    for (size_t row = 0; row < histories.size(); ++row) {
      const float* mine = scores.const_data_ptr<float>() + static_cast<int64_t>(row) * item_count;
      const std::vector<int32_t>& seen = histories[row].item;
      result.rank.push_back(
          rank_of(mine, item_count, target_of(data, users[first + row], event), seen));
      result.list.push_back(first_items(mine, item_count, kListLength, seen));
    }
  }
  return result;
}

HeldOutRanking model_ranking(SequenceModel& model, const HeldOut& data, HeldOutEvent event) {
  return held_out_ranking(data, event, model->config.items, [&](const auto& histories) {
    return model->last_state(histories).matmul(model->item_embedding.t());
  });
}

HeldOutRanking policy_ranking(const Policy& policy, const HeldOut& data, HeldOutEvent event,
                              const ItemOrder& order, const ClustersFor& clusters) {
  if (policy.ranks_catalogue() && !clusters)
    return held_out_ranking(data, event, order.size(), [&](const auto& histories) {
      return catalogue_scores(policy, order, histories);
    });
  HeldOutRanking result;
  for (const int64_t user : data.evaluated_users(event)) {
    throw_if_interrupted();
    PolicyRequest request{in_items(order, history_of(data, user, event)), {}, kLongestList};
    std::vector<int32_t> list;  // positions
    if (clusters) request.clusters = clusters(request.history);
    if (!clusters || !request.clusters.empty())
      for (const Recommendation& shown : policy.recommend(request))
        list.push_back(order.position[static_cast<size_t>(shown.item)]);
    const auto place = std::find(list.begin(), list.end(), target_of(data, user, event));
    result.rank.push_back(place == list.end() ? kNotListed : place - list.begin());
    list.resize(std::min(list.size(), static_cast<size_t>(kListLength)));
    result.list.push_back(std::move(list));
  }
  return result;
}

HeldOutRanking popularity_ranking(int64_t item_count, const HeldOut& data, HeldOutEvent event) {
  const at::Tensor scores =
      torch::tensor(data.training_counts(item_count), at::kLong).to(at::kFloat);
  return held_out_ranking(data, event, item_count, [&](const auto& histories) {
    return scores.expand({static_cast<int64_t>(histories.size()), item_count});
  });
}

nlohmann::json ndcg_difference(const std::vector<int64_t>& ranks,
                               const std::vector<int64_t>& others) {
  const auto gains = [](const std::vector<int64_t>& of) {
    std::vector<double> result;
    for (const int64_t rank : of) result.push_back(discounted_gain(rank, 10));
    return result;
  };
  const auto [mean, low, high] = paired_bootstrap(gains(ranks), gains(others), /*seed=*/1);
  return {{"mean", mean}, {"low", low}, {"high", high}};
}

nlohmann::json held_out_metrics(const HeldOutRanking& ranking, const HeldOut& data,
                                HeldOutEvent event, const ItemOrder& order) {
  std::vector<std::vector<int32_t>> histories;
  for (const int64_t user : data.evaluated_users(event))
    histories.push_back(history_of(data, user, event).item);
  nlohmann::json metrics = ranking_metrics(ranking.rank);
  metrics[fmt::format("coverage_at_{}", kListLength)] = coverage(ranking.list, order.size());
  metrics[fmt::format("novelty_at_{}", kListLength)] =
      novelty(ranking.list, histories, clusters_of_positions(order));
  return metrics;
}

}  // namespace serendip
