// Full rankings of the held-out events' users, by any scores.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "recsys/policy.h"
#include "recsys/sequence_model.h"
#include "recsys/sequences.h"

namespace serendip {

constexpr int64_t kListLength = 10;

// How far down a list that is no ranking of the catalogue its items are looked at.
constexpr int64_t kLongestList = 20;

// One entry a user of evaluated_users(event). The history is what precedes the held-out event; all
// items in it are left out of the ranking.
struct HeldOutRanking {
  std::vector<int64_t> rank;               // of the held-out item, from 0
  std::vector<std::vector<int32_t>> list;  // the first kListLength items, fewer in small catalogues
};

// A history of positions as one of items.
History in_items(const ItemOrder& order, History history);

//   score  gives [B, item_count] float32 scores, on any device, of a batch of histories
HeldOutRanking held_out_ranking(
    const HeldOut& data, HeldOutEvent event, int64_t item_count,
    const std::function<at::Tensor(const std::vector<History>&)>& score);

HeldOutRanking model_ranking(SequenceModel& model, const HeldOut& data, HeldOutEvent event);

// Of a policy that ranks the catalogue, its ranking. Of another, and with `clusters`, the first
// kLongestList items that it recommends; the held-out item is last where it is not among them.
HeldOutRanking policy_ranking(const Policy& policy, const HeldOut& data, HeldOutEvent event,
                              const ItemOrder& order, const ClustersFor& clusters = {});

// By the number of training events.
HeldOutRanking popularity_ranking(int64_t item_count, const HeldOut& data, HeldOutEvent event);

// The paired difference of NDCG@10 over the same users: {"mean", "low", "high"}, 95%.
nlohmann::json ndcg_difference(const std::vector<int64_t>& ranks,
                               const std::vector<int64_t>& others);

// ranking_metrics() with {"coverage_at_10", "novelty_at_10"} of the lists; clusters are those of
// the planning level.
nlohmann::json held_out_metrics(const HeldOutRanking& ranking, const HeldOut& data,
                                HeldOutEvent event, const ItemOrder& order);

}  // namespace serendip
