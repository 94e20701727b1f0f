// Ranks of the held-out items among the whole catalogue, for the model and for popularity.
#pragma once

#include <cstdint>
#include <vector>

#include "recsys/sequence_model.h"
#include "recsys/sequences.h"

namespace serendip {

// One rank a user of evaluated_users(event). The history is what precedes the held-out event; all
// items in it are left out of the ranking.
std::vector<int64_t> model_ranks(SequenceModel& model, const HeldOut& data, HeldOutEvent event);

// The same when items are ranked by their number of training events.
std::vector<int64_t> popularity_ranks(int64_t item_count, const HeldOut& data, HeldOutEvent event);

}  // namespace serendip
