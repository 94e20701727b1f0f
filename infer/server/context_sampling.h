// Which of a user's interests a recommendation starts from.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/random.h"
#include "recsys/history.h"
#include "transitions/mine.h"

namespace serendip::server {

struct ContextSample {
  std::vector<int32_t> context;  // K clusters, oldest first
  std::vector<size_t> events;    // of the history, whose clusters they are, oldest first
  bool window_moved = false;     // no positive event in the window that ends now
};

// Draws K positive events of the window (now - window, now], without replacement, each with a
// probability in proportion to its reward (Efraimidis, Spirakis 2006), and takes their clusters in
// order of time. Two events of one cluster give it twice: with K = 2 the table's diagonal row. Of
// fewer than K events the first's cluster is repeated. Where the window holds no positive event it
// is moved back to end at the latest one (or at the first, where all lie in the future). Nothing
// where no event is positive. `history` in order of time, with times and rewards; cluster [events];
// window in seconds.
std::optional<ContextSample> sample_context(const History& history,
                                            const std::vector<int32_t>& cluster,
                                            const MiningRule& rule, int64_t window, int64_t now,
                                            Random& random);

}  // namespace serendip::server
