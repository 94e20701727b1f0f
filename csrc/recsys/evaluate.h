// Full rankings of the held-out events' users, by any scores.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "recsys/sequence_model.h"
#include "recsys/sequences.h"

namespace serendip {

constexpr int64_t kListLength = 10;

// One entry a user of evaluated_users(event). The history is what precedes the held-out event; all
// items in it are left out of the ranking.
struct HeldOutRanking {
  std::vector<int64_t> rank;               // of the held-out item, from 0
  std::vector<std::vector<int32_t>> list;  // the first kListLength items, fewer in small catalogues
};

//   score  gives [B, item_count] float32 scores, on any device, of a batch of histories
HeldOutRanking held_out_ranking(
    const HeldOut& data, HeldOutEvent event, int64_t item_count,
    const std::function<at::Tensor(const std::vector<History>&)>& score);

HeldOutRanking model_ranking(SequenceModel& model, const HeldOut& data, HeldOutEvent event);

// By the number of training events.
HeldOutRanking popularity_ranking(int64_t item_count, const HeldOut& data, HeldOutEvent event);

// ranking_metrics() with {"coverage_at_10", "novelty_at_10"} of the lists; clusters are those of
// the planning level.
nlohmann::json held_out_metrics(const HeldOutRanking& ranking, const HeldOut& data,
                                HeldOutEvent event, const ItemOrder& order);

}  // namespace serendip
