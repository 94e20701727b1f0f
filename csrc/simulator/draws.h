// The random streams of a world. Each draw has its own, so that neither threads nor what a policy
// does moves another's: arms of an experiment meet the same world and the same luck.
#pragma once

#include <cstdint>

#include "base/random.h"

namespace serendip {

enum class Draw : uint64_t {
  kTopicPopularity = 1,
  kCrossLink,
  kWalked,
  kItemTopic,
  kItemQuality,
  kItemText,
  kDirection,
  kItemVector,
  kTaste,
  kAversion,
  kReturn,
  kOwnChoice,
  kPolicy,
  kResponse,
  kLeave,
  kPage
};

// The stream of one kind for a user, an item or a topic, and for a moment where there are several.
inline Random draw(int64_t seed, Draw kind, int64_t whom = 0, int64_t when = 0) {
  const uint64_t stream =
      mix_bits(mix_bits(static_cast<uint64_t>(kind)) ^ static_cast<uint64_t>(whom));
  return Random(static_cast<uint64_t>(seed), mix_bits(stream ^ static_cast<uint64_t>(when)));
}

// The topic of an entry drawn in proportion to its weight; -1 where all weigh nothing.
template <typename Entries, typename Weight>
int32_t draw_topic_by(const Entries& entries, const Weight& weight, Random& random) {
  double left = 0;
  for (const auto& entry : entries) left += weight(entry);
  left *= random.uniform();
  for (const auto& entry : entries) {
    left -= weight(entry);
    if (left < 0) return entry.topic;
  }
  return -1;
}

}  // namespace serendip
