// A world that never changes: topics, how they are related, items. Users are drawn from it one at a
// time (taste.h) and live in it day by day (session.h). docs/simulator.md has every equation.
#pragma once

#include <vector>

#include "simulator/catalogue.h"
#include "simulator/options.h"
#include "simulator/relatedness.h"
#include "simulator/topics.h"

namespace serendip {

struct World {
  WorldOptions options;
  std::vector<Topic> topics;           // T
  std::vector<double> popularity;      // [T] log-normal(0, 1)
  std::vector<double> popularity_sum;  // [T] of a topic and those before it
  RelatednessGraph related;
  Catalogue items;

  int32_t topic_count() const { return static_cast<int32_t>(topics.size()); }
  // By popularity.
  int32_t draw_topic(Random& random) const;
};

// The same for the same options, on any number of threads. Throws Error for an impossible world:
// more topics than WordNet has, fewer items than topics, more interests than a third of the topics.
World make_world(const WorldOptions& options);

}  // namespace serendip
