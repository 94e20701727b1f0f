#include "simulator/session.h"

#include <algorithm>
#include <cmath>

#include "simulator/draws.h"

namespace serendip {
namespace {

constexpr double kExposureKept = 0.7;   // a day
constexpr double kAwarenessGain = 0.5;  // of what is missing, an exposure that satisfies
constexpr double kMemory = 0.1;         // weight of the latest item in the mean satisfaction
constexpr double kReturnSlope = 3.0, kLeaveBias = -1.0, kLeaveSlope = 3.0;
constexpr double kOwnChoices = 0.2;
constexpr int32_t kLongestVisit = 100;
constexpr int64_t kMostDays = 1 << 20;

// Seconds watched are log-normal; their medians:
constexpr double kWatchLiked = 240.0, kWatchDisliked = 20.0, kWatchSpread = 0.7;
constexpr double kLongestWatch = 3600.0;
constexpr int64_t kPause = 5, kSecondsOfDay = 86400;

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

Random draw_at(const World& world, const UserState& user, Draw kind, Moment moment) {
  return draw(world.options.seed, kind, user.user,
              (user.luck * kMostDays + moment.day) * kLongestVisit + moment.position);
}

// Null where the topic was neither known nor met; `topics` const or not.
auto* find(auto& topics, int32_t topic) {
  const auto found = std::find_if(topics.begin(), topics.end(),
                                  [topic](const TopicMemory& it) { return it.topic == topic; });
  return found == topics.end() ? nullptr : &*found;
}

double decayed(const TopicMemory& memory, int32_t day) {
  return memory.exposure * std::pow(kExposureKept, day - memory.day);
}

void remember(UserState& user, const Interaction& interaction, int32_t day) {
  if (find(user.topics, interaction.topic) == nullptr)
    user.topics.push_back({interaction.topic, 0, 0, day});
  TopicMemory& memory = *find(user.topics, interaction.topic);
  memory.exposure = static_cast<float>(decayed(memory, day) + 1);
  memory.day = day;
  if (interaction.liked)
    memory.awareness += static_cast<float>(kAwarenessGain * (1 - memory.awareness));
  user.satisfaction += kMemory * ((interaction.liked ? 1.0 : 0.0) - user.satisfaction);
  user.history.push_back(interaction.item);
}

// A known topic by awareness · P(like of an average item), and an item of it by popularity; -1
// without a known topic.
int32_t own_choice(const World& world, const UserState& user, Moment moment) {
  Random random = draw_at(world, user, Draw::kOwnChoice, moment);
  if (random.uniform() >= kOwnChoices) return -1;
  const auto weight = [&](const TopicMemory& memory) {
    if (memory.awareness == 0) return 0.0;
    return memory.awareness * logistic(affinity(world, user.taste, user.user, memory.topic) -
                                       world.options.gamma * decayed(memory, moment.day));
  };
  const int32_t topic = draw_topic_by(user.topics, weight, random);
  return topic < 0 ? -1 : world.items.draw_item(topic, random);
}

}  // namespace

UserState new_user(const World& world, int64_t user) {
  UserState state;
  state.user = user;
  state.taste = draw_taste(world, user);
  for (size_t i = 0; i < state.taste.known; ++i)
    state.topics.push_back({state.taste.topic[i], 1, 0, 0});
  return state;
}

double exposure(const UserState& user, int32_t topic, int32_t day) {
  const TopicMemory* memory = find(user.topics, topic);
  return memory == nullptr ? 0 : decayed(*memory, day);
}

double like_probability(const World& world, const UserState& user, int32_t item, int32_t day) {
  const int32_t topic = world.items.topic(item);
  return logistic(affinity(world, user.taste, user.user, topic) + world.items.quality(item) -
                  world.options.gamma * exposure(user, topic, day));
}

double return_probability(const UserState& user) {
  return logistic(user.taste.activity + kReturnSlope * (user.satisfaction - 0.5));
}

double leave_probability(const UserState& user) {
  return logistic(kLeaveBias - kLeaveSlope * user.satisfaction);
}

Interaction watch(const World& world, UserState& user, int32_t item, Moment moment) {
  Random random = draw_at(world, user, Draw::kResponse, moment);
  const bool liked = random.uniform() < like_probability(world, user, item, moment.day);
  const double seconds =
      (liked ? kWatchLiked : kWatchDisliked) * std::exp(kWatchSpread * random.normal());
  const Interaction interaction{
      .user = user.user,
      .time = user.clock,
      .item = item,
      .topic = world.items.topic(item),
      .own_choice = false,
      .liked = liked,
      .watch_seconds = static_cast<float>(std::min(seconds, kLongestWatch))};
  remember(user, interaction, moment.day);
  user.clock += static_cast<int64_t>(interaction.watch_seconds) + kPause;
  return interaction;
}

void live_one_day(const World& world, UserState& user, int32_t day, const ItemChoice& policy,
                  const Observer& observe) {
  Random arrival = draw_at(world, user, Draw::kReturn, {day, 0});
  if (arrival.uniform() >= return_probability(user)) return;
  const auto second = static_cast<int64_t>(arrival.below(kSecondsOfDay));
  user.clock = std::max(user.clock, day * kSecondsOfDay + second);
  for (Moment moment{day, 0}; moment.position < kLongestVisit; ++moment.position) {
    const int32_t chosen = own_choice(world, user, moment);
    Random random = draw_at(world, user, Draw::kPolicy, moment);
    Interaction interaction =
        watch(world, user, chosen >= 0 ? chosen : policy(user, random), moment);
    interaction.own_choice = chosen >= 0;
    observe(interaction);
    Random leaving = draw_at(world, user, Draw::kLeave, moment);
    if (leaving.uniform() < leave_probability(user)) return;
  }
}

}  // namespace serendip
