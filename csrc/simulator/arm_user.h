// A user in an arm: what the simulator knows of them, and what the platform has seen.
#pragma once

#include <cstdint>
#include <vector>

#include "recsys/history.h"
#include "simulator/session.h"

namespace serendip {

// N items in M clusters.
struct ArmUser {
  UserState state;
  History shown;           // everything watched, rewards 1 or 0
  History liked;           // of it, what was liked: what the models read and are trained on
  std::vector<bool> seen;  // [N]
  std::vector<bool> met;   // [M] clusters of `shown`

  // cluster [N]. `met` may be empty as long as there are no clusters yet.
  void add(const Interaction& event, const std::vector<int32_t>& cluster);
};

}  // namespace serendip
