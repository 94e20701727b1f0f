// Users living in a world: what they think of an item, what it changes in them, when they leave and
// come back. Novelty enters none of it.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/random.h"
#include "simulator/taste.h"

namespace serendip {

struct TopicMemory {
  int32_t topic;
  float awareness;  // in [0, 1]; rises by satisfying exposures alone
  float exposure;   // on `day`, before its decay since
  int32_t day;
};

struct UserState {
  int64_t user = 0;
  Taste taste;
  double satisfaction = 0.5;        // running mean of what was liked
  std::vector<TopicMemory> topics;  // those known or met
  std::vector<int32_t> history;     // items, in order
  int64_t clock = 0;                // seconds
  int64_t luck = 0;                 // lives of the same user under another one are independent
};

// A place in a user's life; all luck hangs on it, not on what was shown before.
struct Moment {
  int32_t day, position;
};

struct Interaction {
  int64_t user, time;  // seconds
  int32_t item, topic;
  bool own_choice;  // the user's, not the policy's
  bool liked;
  float watch_seconds;
};

UserState new_user(const World& world, int64_t user);

// What `topic` has left of its exposures on `day`: each counts 1 and loses 30% a day.
double exposure(const UserState& user, int32_t topic, int32_t day);
// P(like) = σ(affinity + quality − γ·exposure).
double like_probability(const World& world, const UserState& user, int32_t item, int32_t day);
// P(a visit) = σ(activity + 3·(satisfaction − 0.5)).
double return_probability(const UserState& user);
// P(leaving after an item) = σ(−1 − 3·satisfaction).
double leave_probability(const UserState& user);

// The user watches `item`: draws whether it is liked and for how long it is watched, then changes
// exposure, awareness, satisfaction, history and clock.
Interaction watch(const World& world, UserState& user, int32_t item, Moment moment);

// Chooses the item to show; `random` is the policy's own. May not keep state between users where
// these live on several threads.
using ItemChoice = std::function<int32_t(const UserState& user, Random& random)>;
using Observer = std::function<void(const Interaction& interaction)>;

// One visit if the user comes on that day: a fifth of the items is the user's own choice among
// known topics, the others are the policy's.
void live_one_day(const World& world, UserState& user, int32_t day, const ItemChoice& policy,
                  const Observer& observe);

}  // namespace serendip
