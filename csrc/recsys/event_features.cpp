#include "recsys/event_features.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace serendip {

int64_t time_gap_bucket(int64_t seconds) {
  const auto digits = std::bit_width(static_cast<uint64_t>(std::max<int64_t>(seconds, 0)));
  return std::min<int64_t>(1 + digits, kTimeGapBuckets - 1);
}

float compressed_reward(float reward) {
  return std::copysign(std::log1p(std::abs(reward)), reward);
}

}  // namespace serendip
