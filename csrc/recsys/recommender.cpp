#include "recsys/recommender.h"

#include <torch/utils.h>

#include <algorithm>
#include <set>

#include "base/check.h"
#include "kernels/ops.h"
#include "recsys/losses.h"
#include "recsys/recommender_io.h"

namespace serendip {

struct Recommender::State {
  ItemOrder order;
  SequenceModel model{nullptr};
};

Recommender::Recommender(std::unique_ptr<State> state) : state_(std::move(state)) {}
Recommender::~Recommender() = default;
Recommender::Recommender(Recommender&& other) noexcept = default;
Recommender& Recommender::operator=(Recommender&& other) noexcept = default;

Recommender Recommender::load(const std::filesystem::path& folder, const ClusterTree& tree) {
  auto state = std::make_unique<State>();
  state->order = make_item_order(tree);
  state->model = load_recommender(folder, state->order);
  return Recommender(std::move(state));
}

Recommender Recommender::of(const SequenceModel& model, const ClusterTree& tree) {
  auto state = std::make_unique<State>();
  state->order = make_item_order(tree);
  SERENDIP_CHECK(model->config.items == state->order.size(),
                 "recommender: expected the tree's {} items, got {}", state->order.size(),
                 model->config.items);
  state->model = model;
  return Recommender(std::move(state));
}

namespace {

// Below so many multiplications LibTorch's bmm sums in another order, without MKL.
constexpr int64_t kSmallProduct = 400;

// Clusters as ranges of sorted items, and which of them are wanted.
struct Prescription {
  std::vector<int64_t> offset;  // [M + 1]
  std::vector<int64_t> wanted;  // places, ascending, each once

  bool holds(int64_t position) const {
    const auto range =
        std::upper_bound(offset.begin(), offset.end(), position) - offset.begin() - 1;
    return std::binary_search(wanted.begin(), wanted.end(), range);
  }
};

Prescription prescribe(const ItemOrder& order, const PolicyRequest& request) {
  SERENDIP_CHECK(request.level >= 1 && request.level <= kTreeLevels,
                 "recommend: level: expected 1 to {}, got {}", kTreeLevels, request.level);
  const ItemOrder::Level& level = order.level(request.level);
  check_request(request, order.size(), static_cast<int64_t>(level.place.size()));
  if (request.clusters.empty()) return {{0, order.size()}, {0}};
  std::set<int64_t> places;
  for (const int32_t cluster : request.clusters)
    places.insert(level.place[static_cast<size_t>(cluster)]);
  return {level.offset, {places.begin(), places.end()}};
}

// The history as the model reads it.
History in_order(const ItemOrder& order, History history) {
  for (int32_t& item : history.item) {
    SERENDIP_CHECK(item >= 0 && item < order.size(),
                   "recommend: item in the history: expected 0 to {}, got {}", order.size() - 1,
                   item);
    item = order.position[static_cast<size_t>(item)];
  }
  return history;
}

std::vector<History> in_order(const ItemOrder& order, const std::vector<History>& histories) {
  std::vector<History> result;
  for (const History& history : histories) result.push_back(in_order(order, history));
  return result;
}

// The first k of a row's best positions [asked], which ends at -1, that are not seen.
std::vector<Recommendation> first_unseen(const ItemOrder& order, const at::Tensor& positions,
                                         const at::Tensor& log_prob, const std::set<int64_t>& seen,
                                         int64_t k) {
  std::vector<Recommendation> result;
  const auto* id = positions.const_data_ptr<int64_t>();
  const auto* value = log_prob.const_data_ptr<float>();
  for (int64_t rank = 0; rank < positions.numel() && id[rank] >= 0; ++rank) {
    if (static_cast<int64_t>(result.size()) == k) break;
    if (seen.contains(id[rank])) continue;
    result.push_back({order.item[static_cast<size_t>(id[rank])], static_cast<double>(value[rank])});
  }
  return result;
}

}  // namespace

std::vector<Recommendation> Recommender::recommend(const PolicyRequest& request) const {
  const ItemOrder& order = state_->order;
  const Prescription prescription = prescribe(order, request);
  const History history = in_order(order, request.history);
  std::set<int64_t> seen;
  if (request.exclude_seen)
    for (const int32_t position : history.item)
      if (prescription.holds(position)) seen.insert(position);

  torch::NoGradGuard no_gradients;
  const auto wanted_count = static_cast<int64_t>(prescription.wanted.size());
  const auto asked = std::min(request.k + static_cast<int64_t>(seen.size()), order.size());
  const auto [ids, log_prob, log_z] =
      cluster_softmax_topk(state_->model->last_state({history}), state_->model->item_embedding,
                           torch::tensor(prescription.offset, at::kLong),
                           torch::tensor(std::vector<int64_t>{0, wanted_count}, at::kLong),
                           torch::tensor(prescription.wanted, at::kLong), asked);

  return first_unseen(order, ids[0], log_prob[0], seen, request.k);
}

std::vector<Recommendation> Recommender::recommend(const std::vector<int32_t>& history,
                                                   const std::vector<int32_t>& clusters, int64_t k,
                                                   bool exclude_seen, int level) const {
  return recommend(PolicyRequest{{history}, clusters, k, exclude_seen, level});
}

std::vector<std::vector<std::vector<Recommendation>>> Recommender::recommend_each(
    const std::vector<ClusterRequest>& requests) const {
  if (requests.empty()) return {};
  const ItemOrder& order = state_->order;
  const ItemOrder::Level& level = order.level(kPlanningLevel);
  std::vector<History> histories;
  for (const ClusterRequest& request : requests) {
    check_request({request.history, request.clusters, request.k}, order.size(),
                  static_cast<int64_t>(level.place.size()));
    histories.push_back(in_order(order, request.history));
  }
  const SequenceModelConfig& config = state_->model->config;
  while (static_cast<int64_t>(histories.size()) * config.max_length * config.dimensions <
         kSmallProduct)
    histories.push_back(histories.front());
  torch::NoGradGuard no_gradients;
  // Every history in the same places of a row, however long the others are.
  const at::Tensor states =
      state_->model->last_state(histories, /*least_length=*/config.max_length);
  const at::Tensor offset = torch::tensor(level.offset, at::kLong);
  const at::Tensor one_cluster = torch::tensor(std::vector<int64_t>{0, 1}, at::kLong);

  std::vector<std::vector<std::vector<Recommendation>>> result(requests.size());
  for (size_t at = 0; at < requests.size(); ++at)
    for (const int32_t cluster : requests[at].clusters) {
      const int64_t place = level.place[static_cast<size_t>(cluster)];
      const int64_t begin = level.offset[static_cast<size_t>(place)];
      const int64_t end = level.offset[static_cast<size_t>(place) + 1];
      std::set<int64_t> seen;
      for (const int32_t position : histories[at].item)
        if (begin <= position && position < end) seen.insert(position);
      const int64_t asked =
          std::min(requests[at].k + static_cast<int64_t>(seen.size()), end - begin);
      // A row by itself: the bits of its scores depend on how many share a tile.
      const auto [ids, log_prob, log_z] = cluster_softmax_topk(
          states.slice(0, static_cast<int64_t>(at), static_cast<int64_t>(at) + 1),
          state_->model->item_embedding, offset, one_cluster, torch::tensor({place}, at::kLong),
          asked);
      result[at].push_back(first_unseen(order, ids[0], log_prob[0], seen, requests[at].k));
    }
  return result;
}

std::vector<std::vector<float>> Recommender::batch_scores(
    const std::vector<History>& histories) const {
  const ItemOrder& order = state_->order;
  torch::NoGradGuard no_gradients;
  const at::Tensor scores = state_->model->last_state(in_order(order, histories))
                                .matmul(state_->model->item_embedding.t())
                                .contiguous();
  std::vector<std::vector<float>> result;
  for (int64_t row = 0; row < scores.size(0); ++row)
    result.push_back(by_item(order, scores[row].const_data_ptr<float>()));
  return result;
}

std::vector<float> Recommender::scores(const PolicyRequest& request) const {
  prescribe(state_->order, request);
  return std::move(batch_scores({request.history}).front());
}

Recommender::LogProbs Recommender::log_probs(const History& history, int32_t item) const {
  const SequenceModel& model = state_->model;
  SERENDIP_CHECK(model->config.behaviour_head,
                 "recommend: expected a model with a behaviour head (loss reinforce), got none");
  torch::NoGradGuard no_gradients;
  const int32_t position = in_order(state_->order, History{{item}}).item[0];
  const at::Tensor state = state_->model->last_state({in_order(state_->order, history)});
  const auto log_prob = [&](const at::Tensor& embedding) {
    return exact_log_prob(state, embedding, torch::tensor({position}, at::kLong)).item<double>();
  };
  return {log_prob(model->item_embedding), log_prob(model->behaviour_embedding)};
}

std::vector<std::vector<float>> Recommender::states(const std::vector<History>& histories) const {
  const at::Tensor states = state_->model->last_state(in_order(state_->order, histories));
  std::vector<std::vector<float>> result;
  for (int64_t row = 0; row < states.size(0); ++row) {
    const auto* values = states[row].const_data_ptr<float>();
    result.emplace_back(values, values + states.size(1));
  }
  return result;
}

std::vector<float> Recommender::state(const History& history) const {
  return std::move(states({history}).front());
}

int64_t Recommender::dimensions() const { return state_->model->config.dimensions; }

}  // namespace serendip
