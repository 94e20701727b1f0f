#include "recsys/evaluate.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/interrupt.h"
#include "recsys/list_metrics.h"
#include "recsys/ranking.h"

namespace serendip {
namespace {

constexpr int64_t kMostUsers = 256;       // a batch
constexpr int64_t kMostScores = 1 << 25;  // 128 MiB of them at once

History history_of(const HeldOut& data, int64_t user, HeldOutEvent event) {
  return data.events.before(user, data.held_out(event)[static_cast<size_t>(user)]);
}

int64_t target_of(const HeldOut& data, int64_t user, HeldOutEvent event) {
  const int64_t at = data.held_out(event)[static_cast<size_t>(user)];
  return data.events.item[static_cast<size_t>(at)];
}

}  // namespace

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

HeldOutRanking popularity_ranking(int64_t item_count, const HeldOut& data, HeldOutEvent event) {
  const at::Tensor scores =
      torch::tensor(data.training_counts(item_count), at::kLong).to(at::kFloat);
  return held_out_ranking(data, event, item_count, [&](const auto& histories) {
    return scores.expand({static_cast<int64_t>(histories.size()), item_count});
  });
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
