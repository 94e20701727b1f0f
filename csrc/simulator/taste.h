// What a user likes, fixed for life: a few topics that hang together, and little else.
#pragma once

#include <cstdint>
#include <vector>

#include "simulator/world.h"

namespace serendip {

struct Taste {
  std::vector<int32_t> topic;   // liked, in the order in which the walk met them
  std::vector<float> affinity;  // of those, > 0
  size_t known = 0;             // the first of them, known to the user from the start
  double activity = 0;          // log-odds of a visit a day at medium satisfaction
};

// Starts from two topics drawn by popularity and walks along the related ones, at first along
// those links alone that are walked, until the known interests are full.
Taste draw_taste(const World& world, int64_t user);

// Of a liked topic its affinity, of any other normal(-1.5, 0.5), which is almost always a dislike.
double affinity(const World& world, const Taste& taste, int64_t user, int32_t topic);

}  // namespace serendip
