// How often items are taken up, from the events.
#pragma once

#include <cstdint>
#include <vector>

#include "data/dataset.h"

namespace serendip {

struct ItemTraffic {
  std::vector<double> training;  // [N] events of training users
  // [N] events of the other users among the last `later_share` of all events by time: those that no
  // tree has seen.
  std::vector<double> later;
  int64_t later_events = 0;
};

ItemTraffic count_traffic(const Dataset& dataset, double later_share);

// The time from which on the last `share` of all events lie; INT64_MAX where that is none.
int64_t begin_of_last(const Dataset& dataset, double share);

}  // namespace serendip
