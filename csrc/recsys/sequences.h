// Users' events as item sequences: what is held out, and how the rest is packed in training rows.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "recsys/item_order.h"

namespace serendip {

// Leave-one-out: of every user with at least 3 events, the last is the test and the one before it
// the validation. Items are positions in an ItemOrder.
struct HeldOut {
  std::vector<std::vector<int64_t>> training;  // [U] in time order; all events of shorter users
  std::vector<int64_t> validation, test;       // [U] -1 where the user has fewer than 3 events

  // Users with held-out events, ascending.
  std::vector<int64_t> evaluated_users() const;
};
HeldOut hold_out(const Dataset& data, const ItemOrder& order);

// Training rows of T places, each i64 [R, T]: the item read, the item to predict (-1 where none)
// and the user piece that the place belongs to.
struct PackedRows {
  at::Tensor item, target, segment;
};

// The users in an order drawn from (seed, epoch), laid end to end, cut every `length` places, the
// rows shuffled. No place is wasted but the last row's, and the cuts fall elsewhere each epoch.
PackedRows pack_rows(const std::vector<std::vector<int64_t>>& sequences, int64_t length,
                     uint64_t seed, uint64_t epoch);

}  // namespace serendip
