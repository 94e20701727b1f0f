#include "simulator/taste.h"

#include <algorithm>

#include "simulator/draws.h"

namespace serendip {
namespace {

constexpr size_t kHomes = 2;
constexpr double kLiked = 1.5, kDisliked = -1.5, kSpread = 0.5, kLeastLiked = 0.25;
constexpr double kMeanActivity = -1.0, kActivitySpread = 1.0;
constexpr int kTries = 20;  // of a walk that meets only what it has

bool has(const std::vector<int32_t>& topics, int32_t topic) {
  return std::find(topics.begin(), topics.end(), topic) != topics.end();
}

// A neighbour by weight; -1 where there is none to go to.
int32_t step(const World& world, int32_t from, bool walked_only, Random& random) {
  const auto weight = [&](const RelatedTopic& to) {
    return walked_only && !to.walked ? 0.0 : static_cast<double>(to.weight);
  };
  return draw_topic_by(world.related.of(from), weight, random);
}

// The next topic of the walk: from one of those already liked, else by popularity.
int32_t next_topic(const World& world, const std::vector<int32_t>& liked, bool walked_only,
                   Random& random) {
  for (int attempt = 0; liked.size() >= kHomes && attempt < kTries; ++attempt) {
    const int32_t found = step(world, liked[random.below(liked.size())], walked_only, random);
    if (found >= 0 && !has(liked, found)) return found;
  }
  int32_t topic = world.draw_topic(random);
  while (has(liked, topic)) topic = world.draw_topic(random);
  return topic;
}

}  // namespace

Taste draw_taste(const World& world, int64_t user) {
  const auto mean = static_cast<uint64_t>(world.options.interests);
  const auto known = static_cast<size_t>(world.options.known_interests);
  Random random = draw(world.options.seed, Draw::kTaste, user);
  Taste taste;
  taste.activity = kMeanActivity + kActivitySpread * random.normal();
  const size_t interests = (mean + 1) / 2 + random.below(mean / 2 * 2 + 1);
  taste.known = std::min(known, interests);
  while (taste.topic.size() < interests) {
    taste.topic.push_back(next_topic(world, taste.topic, taste.topic.size() < known, random));
    taste.affinity.push_back(
        static_cast<float>(std::max(kLeastLiked, kLiked + kSpread * random.normal())));
  }
  return taste;
}

double affinity(const World& world, const Taste& taste, int64_t user, int32_t topic) {
  const auto found = std::find(taste.topic.begin(), taste.topic.end(), topic);
  if (found != taste.topic.end())
    return taste.affinity[static_cast<size_t>(found - taste.topic.begin())];
  return kDisliked + kSpread * draw(world.options.seed, Draw::kAversion, user, topic).normal();
}

}  // namespace serendip
