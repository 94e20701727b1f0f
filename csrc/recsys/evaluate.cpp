#include "recsys/evaluate.h"

#include <algorithm>

#include "base/interrupt.h"
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

std::vector<int64_t> held_out_ranks(
    const HeldOut& data, HeldOutEvent event, int64_t item_count,
    const std::function<at::Tensor(const std::vector<History>&)>& score) {
  const std::vector<int64_t> users = data.evaluated_users(event);
  const auto batch =
      static_cast<size_t>(std::clamp<int64_t>(kMostScores / item_count, 1, kMostUsers));
  torch::NoGradGuard no_gradients;
  std::vector<int64_t> ranks;
  for (size_t first = 0; first < users.size(); first += batch) {
    throw_if_interrupted();
    std::vector<History> histories;
    for (size_t at = first; at < std::min(first + batch, users.size()); ++at)
      histories.push_back(history_of(data, users[at], event));
    const at::Tensor scores = score(histories).to(at::kCPU).contiguous();
    for (size_t row = 0; row < histories.size(); ++row)
      ranks.push_back(
          rank_of(scores.const_data_ptr<float>() + static_cast<int64_t>(row) * item_count,
                  item_count, target_of(data, users[first + row], event), histories[row].item));
  }
  return ranks;
}

std::vector<int64_t> model_ranks(SequenceModel& model, const HeldOut& data, HeldOutEvent event) {
  return held_out_ranks(data, event, model->config.items, [&](const auto& histories) {
    return model->last_state(histories).matmul(model->item_embedding.t());
  });
}

std::vector<int64_t> popularity_ranks(int64_t item_count, const HeldOut& data, HeldOutEvent event) {
  const std::vector<int64_t> counts = data.training_counts(item_count);
  const std::vector<float> scores(counts.begin(), counts.end());
  std::vector<int64_t> ranks;
  for (const int64_t user : data.evaluated_users(event))
    ranks.push_back(rank_of(scores.data(), item_count, target_of(data, user, event),
                            history_of(data, user, event).item));
  return ranks;
}

}  // namespace serendip
