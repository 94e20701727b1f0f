#include "simulator/world.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "simulator/draws.h"

namespace serendip {
namespace {

void check_options(const WorldOptions& options) {
  SERENDIP_CHECK(options.users >= 1, "world.users = {}: expected at least 1", options.users);
  SERENDIP_CHECK(3 * options.interests <= options.topics,
                 "world.interests = {}: expected at most {}, a third of the topics: users dislike "
                 "most",
                 options.interests, options.topics / 3);
}

std::vector<double> topic_popularity(int64_t topics, int64_t seed) {
  std::vector<double> popularity;
  for (int64_t topic = 0; topic < topics; ++topic)
    popularity.push_back(std::exp(draw(seed, Draw::kTopicPopularity, topic).normal()));
  return popularity;
}

}  // namespace

int32_t World::draw_topic(Random& random) const {
  const double point = random.uniform() * popularity_sum.back();
  const auto found = std::upper_bound(popularity_sum.begin(), popularity_sum.end(), point);
  return static_cast<int32_t>(
      std::min<std::ptrdiff_t>(found - popularity_sum.begin(), topic_count() - 1));
}

World make_world(const WorldOptions& options) {
  check_options(options);
  World world{options,
              read_topics(options.wordnet, options.topics),
              topic_popularity(options.topics, options.seed),
              {},
              {},
              {}};
  world.popularity_sum.resize(world.popularity.size());
  std::partial_sum(world.popularity.begin(), world.popularity.end(), world.popularity_sum.begin());
  world.related = relate_topics(world.topics, options.cross_links, options.seed);
  world.items = Catalogue(world.popularity, options.items, options.seed);
  return world;
}

}  // namespace serendip
