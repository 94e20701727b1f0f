#include "recsys/recommender.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "kernels/ops.h"
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

namespace {

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

Prescription prescribe(const ItemOrder& order, const std::vector<int32_t>& clusters, int number) {
  SERENDIP_CHECK(number >= 1 && number <= kTreeLevels, "recommend: level: expected 1 to {}, got {}",
                 kTreeLevels, number);
  if (clusters.empty()) return {{0, order.size()}, {0}};
  const ItemOrder::Level& level = order.level(number);
  std::set<int64_t> places;
  for (const int32_t cluster : clusters) {
    SERENDIP_CHECK(cluster >= 0 && static_cast<size_t>(cluster) < level.place.size(),
                   "recommend: cluster: expected 0 to {} at level {}, got {}",
                   level.place.size() - 1, number, cluster);
    places.insert(level.place[static_cast<size_t>(cluster)]);
  }
  return {level.offset, {places.begin(), places.end()}};
}

std::vector<int32_t> positions_of(const ItemOrder& order, const std::vector<int32_t>& history) {
  std::vector<int32_t> positions;
  for (const int32_t item : history) {
    SERENDIP_CHECK(item >= 0 && item < order.size(),
                   "recommend: item in the history: expected 0 to {}, got {}", order.size() - 1,
                   item);
    positions.push_back(order.position[static_cast<size_t>(item)]);
  }
  return positions;
}

}  // namespace

std::vector<Recommender::Recommendation> Recommender::recommend(
    const std::vector<int32_t>& history, const std::vector<int32_t>& clusters, int64_t k,
    bool exclude_seen, int level) const {
  SERENDIP_CHECK(k >= 1, "recommend: k: expected at least 1, got {}", k);
  const ItemOrder& order = state_->order;
  const Prescription prescription = prescribe(order, clusters, level);
  const std::vector<int32_t> positions = positions_of(order, history);
  std::set<int64_t> seen;
  if (exclude_seen)
    for (const int32_t position : positions)
      if (prescription.holds(position)) seen.insert(position);

  torch::NoGradGuard no_gradients;
  const auto wanted_count = static_cast<int64_t>(prescription.wanted.size());
  const auto asked = std::min(k + static_cast<int64_t>(seen.size()), order.size());
  const auto [ids, log_prob, log_z] =
      cluster_softmax_topk(state_->model->last_state({{positions}}), state_->model->item_embedding,
                           torch::tensor(prescription.offset, at::kLong),
                           torch::tensor(std::vector<int64_t>{0, wanted_count}, at::kLong),
                           torch::tensor(prescription.wanted, at::kLong), asked);

  std::vector<Recommendation> result;
  const auto* id = ids.const_data_ptr<int64_t>();
  const auto* value = log_prob.const_data_ptr<float>();
  for (int64_t rank = 0; rank < asked && id[rank] >= 0; ++rank) {
    if (static_cast<int64_t>(result.size()) == k) break;
    if (seen.contains(id[rank])) continue;
    result.push_back({order.item[static_cast<size_t>(id[rank])], static_cast<double>(value[rank])});
  }
  return result;
}

}  // namespace serendip
