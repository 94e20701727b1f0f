#include "simulator/incumbent.h"

#include <algorithm>

#include "simulator/draws.h"

namespace serendip {
namespace {

constexpr double kExplored = 0.2;
constexpr int kDraws = 4;

}  // namespace

int32_t Incumbent::choose_topic(const UserState& user, Random& random) const {
  const auto popularity = [&](int32_t topic) {
    return world_.popularity[static_cast<size_t>(topic)];
  };
  const bool explores = random.uniform() < kExplored;
  const int32_t known = draw_topic_by(
      user.topics, [&](const auto& it) { return it.awareness * popularity(it.topic); }, random);
  if (known < 0) return world_.draw_topic(random);
  if (!explores) return known;
  const int32_t related = draw_topic_by(
      world_.related.of(known),
      [&](const auto& it) { return it.walked ? it.weight * popularity(it.topic) : 0.0; }, random);
  return related < 0 ? known : related;
}

int32_t Incumbent::operator()(const UserState& user, Random& random) const {
  const int32_t topic = choose_topic(user, random);
  int32_t item = world_.items.draw_item(topic, random);
  for (int draws = 1; draws < kDraws && std::count(user.history.begin(), user.history.end(), item);
       ++draws)
    item = world_.items.draw_item(topic, random);
  return item;
}

}  // namespace serendip
