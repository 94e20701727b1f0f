// Users' events as item sequences: what is held out, and how the rest is packed in training rows.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "recsys/history.h"
#include "recsys/item_order.h"

namespace serendip {

// U users' E events in time order, ties in the order of the input. Items are positions in an
// ItemOrder.
struct EventLog {
  std::vector<int64_t> offset;  // [U + 1] user u has [offset[u], offset[u + 1])
  std::vector<int32_t> item;    // [E]
  std::vector<int64_t> time;    // [E] seconds
  std::vector<float> reward;    // [E]

  int64_t user_count() const { return static_cast<int64_t>(offset.size()) - 1; }
  // The user's events before `event`, one of theirs, at most the last `most`.
  History before(int64_t user, int64_t event, int64_t most = INT64_MAX) const;
};
// Throws Error for a tree of another number of items and for a reward that is not finite.
EventLog make_event_log(const Dataset& data, const ItemOrder& order);

// [E] whether the planning cluster of an event's item is absent from its user's earlier events.
std::vector<bool> novel_events(const EventLog& events, const ItemOrder& order);

enum class HeldOutEvent { kValidation, kTest };

// What each user is trained on and which event of theirs is to be predicted from all before it.
struct HeldOut {
  EventLog events;
  std::vector<int64_t> training_end;      // [U] training has [offset[u], training_end[u])
  std::vector<int64_t> validation, test;  // [U] event, -1 where the user has none

  const std::vector<int64_t>& held_out(HeldOutEvent event) const {
    return event == HeldOutEvent::kTest ? test : validation;
  }
  // Users with such an event, ascending.
  std::vector<int64_t> evaluated_users(HeldOutEvent event) const;
  // [N] events of the training parts, without each user's first `skipped` ones.
  std::vector<int64_t> training_counts(int64_t item_count, int64_t skipped = 0) const;
};

// Leave-one-out: of every user with at least 3 events, the last is the test and the one before it
// the validation; all events of shorter users are for training.
HeldOut leave_one_out(EventLog events);

// One cut for all users: training has what is earlier than 80% of the events, validation the next
// 10%, test the rest; a user's first event in each of the two later parts is held out, where one
// precedes it. Events at the time of a cut fall behind it.
HeldOut split_by_time(EventLog events);

// Training rows of T places.
struct PackedRows {
  // i64 [R, T]: the item read, the user piece that the place belongs to, and the event read
  at::Tensor item, segment, event;
  at::Tensor target;  // i64 [R, T, H] the items of the next H events, -1 for what is none
};

// The users in an order drawn from (seed, epoch), laid end to end, cut every `length` places, the
// rows shuffled. No place is wasted but the last row's, and the cuts fall elsewhere each epoch.
PackedRows pack_rows(const HeldOut& data, int64_t length, int64_t horizon, uint64_t seed,
                     uint64_t epoch);

}  // namespace serendip
