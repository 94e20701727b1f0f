// A dataset user's events as policies read them.
#pragma once

#include "data/dataset.h"
#include "recsys/history.h"

namespace serendip {

inline History history_of(const Dataset& data, int64_t user) {
  const auto at = static_cast<size_t>(user);
  const int64_t begin = data.user_offset[at], end = data.user_offset[at + 1];
  return {{data.event_item.begin() + begin, data.event_item.begin() + end},
          {data.event_time.begin() + begin, data.event_time.begin() + end},
          {data.event_reward.begin() + begin, data.event_reward.begin() + end}};
}

}  // namespace serendip
