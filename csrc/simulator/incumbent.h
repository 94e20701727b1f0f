// The policy that made the logs: popularity among what a user is known to like.
#pragma once

#include <cstdint>

#include "simulator/session.h"

namespace serendip {

// Four times in five an item of a known topic, drawn by awareness · popularity; else one of a topic
// that is related to such a topic by a walked link, drawn by weight · popularity. Items that the
// user has seen are drawn again, up to three times. Links that are not walked it never follows, so
// its logs show only a part of what is related.
class Incumbent {
 public:
  explicit Incumbent(const World& world) : world_(world) {}
  int32_t operator()(const UserState& user, Random& random) const;

 private:
  int32_t choose_topic(const UserState& user, Random& random) const;

  const World& world_;
};

}  // namespace serendip
