// What the sequence model reads of an event beside its item, as numbers.
#pragma once

#include <cstdint>

namespace serendip {

constexpr int64_t kTimeGapBuckets = 32;

// The bucket of the `seconds` since the user's previous event: 1 + the number of binary digits, at
// most 31. Bucket 0 is for events without a predecessor. Times that run backwards count as 0 s.
int64_t time_gap_bucket(int64_t seconds);

// sign(r) log(1 + |r|): watch times of hours and ratings of 1 to 5 in one range.
float compressed_reward(float reward);

}  // namespace serendip
