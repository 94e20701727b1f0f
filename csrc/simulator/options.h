// Recipe section "world": the size and the few knobs of a simulated world.
#pragma once

#include <cstdint>
#include <string>

#include "base/options.h"

namespace serendip {

struct WorldOptions {
  int64_t users = 2000, items = 5000, topics = 200, days = 28;
  int64_t interests = 24;       // topics that a user likes, on average
  int64_t known_interests = 6;  // of them, those that a user is aware of at first
  int64_t cross_links = 2;      // hidden, a topic
  double gamma = 0.2;           // satiation
  int64_t dimensions = 256;     // of the items' vectors; 0 = none
  std::string wordnet = "/usr/share/wordnet";
  int64_t seed = 1;

  void declare(OptionSet& set);
};

}  // namespace serendip
