// Ranks of the held-out items among the whole catalogue, for the model and for popularity.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "recsys/sequence_model.h"
#include "recsys/sequences.h"

namespace serendip {

// One rank a user of evaluated_users(event). The history is what precedes the held-out event; all
// items in it are left out of the ranking.
//   score  gives [B, item_count] float32 scores, on any device, of a batch of histories
std::vector<int64_t> held_out_ranks(
    const HeldOut& data, HeldOutEvent event, int64_t item_count,
    const std::function<at::Tensor(const std::vector<History>&)>& score);

std::vector<int64_t> model_ranks(SequenceModel& model, const HeldOut& data, HeldOutEvent event);

// When items are ranked by their number of training events.
std::vector<int64_t> popularity_ranks(int64_t item_count, const HeldOut& data, HeldOutEvent event);

}  // namespace serendip
