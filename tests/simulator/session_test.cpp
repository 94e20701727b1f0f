#include "simulator/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "simulator/incumbent.h"
#include "tests/simulator/small_wordnet.h"

namespace serendip {
namespace {

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

class Sessions : public SmallWorld {
 protected:
  Sessions() : world(make_world(options)) {}

  // The most popular item of the user's first, known topic and of one that is neither known nor
  // liked.
  int32_t known_item(const UserState& user) const {
    return world.items.items_of(user.taste.topic[0])[0];
  }
  int32_t disliked_item(const UserState& user) const {
    int32_t topic = 0;
    while (affinity(world, user.taste, user.user, topic) > 0) ++topic;
    return world.items.items_of(topic)[0];
  }

  World world;
};

// Exposure, awareness and satisfaction beside their equations written down anew.
TEST_F(Sessions, StateFollowsTheEquations) {
  UserState user = new_user(world, 3);
  std::map<int32_t, double> awareness, seen;  // by topic; `seen` as a sum over past exposures
  std::vector<std::pair<int32_t, int32_t>> exposures;  // topic, day
  for (const TopicMemory& memory : user.topics) awareness[memory.topic] = memory.awareness;
  EXPECT_EQ(awareness.size(), user.taste.known);
  double satisfaction = 0.5;
  Random random(5);
  int32_t day = 0;
  for (int32_t position = 0; position < 400; ++position) {
    day += random.below(10) == 0;
    const auto item = static_cast<int32_t>(random.below(static_cast<uint64_t>(options.items)));
    const int32_t topic = world.items.topic(item);
    double s = 0;
    for (const auto& [earlier, when] : exposures)
      if (earlier == topic) s += std::pow(0.7, day - when);
    EXPECT_NEAR(exposure(user, topic, day), s, 1e-5 * (1 + s));  // kept in float
    EXPECT_NEAR(like_probability(world, user, item, day),
                logistic(affinity(world, user.taste, 3, topic) + world.items.quality(item) -
                         options.gamma * s),
                1e-5);
    const Interaction event = watch(world, user, item, {day, position});
    exposures.emplace_back(topic, day);
    if (event.liked) awareness[topic] += 0.5 * (1 - awareness[topic]);
    satisfaction = 0.9 * satisfaction + 0.1 * event.liked;
    EXPECT_NEAR(user.satisfaction, satisfaction, 1e-9);
  }
  for (const TopicMemory& memory : user.topics)
    EXPECT_NEAR(memory.awareness, awareness[memory.topic], 1e-5) << memory.topic;
  EXPECT_EQ(user.history.size(), 400u);
}

TEST_F(Sessions, LikesAreAsFrequentAsTheirProbability) {
  const UserState fresh = new_user(world, 3);
  for (const int32_t item : {known_item(fresh), disliked_item(fresh)}) {
    constexpr int kDraws = 20'000;
    double liked = 0, logs_liked = 0, logs_other = 0;
    for (int i = 0; i < kDraws; ++i) {
      UserState user = fresh;
      const Interaction event = watch(world, user, item, {0, i});
      liked += event.liked;
      (event.liked ? logs_liked : logs_other) += std::log(event.watch_seconds);
    }
    const double p = like_probability(world, fresh, item, 0);
    EXPECT_NEAR(liked / kDraws, p, 4 * std::sqrt(p * (1 - p) / kDraws));
    EXPECT_NEAR(logs_liked / liked, std::log(240), 0.1);
    EXPECT_NEAR(logs_other / (kDraws - liked), std::log(20), 0.1);
  }
}

TEST_F(Sessions, ReturningAndLeavingFollowSatisfactionAlone) {
  UserState user = new_user(world, 3);
  for (const double satisfaction : {0.0, 0.3, 0.5, 1.0}) {
    user.satisfaction = satisfaction;
    EXPECT_DOUBLE_EQ(return_probability(user),
                     logistic(user.taste.activity + 3 * (satisfaction - 0.5)));
    EXPECT_DOUBLE_EQ(leave_probability(user), logistic(-1 - 3 * satisfaction));
    UserState other = user;  // of another past, but as satisfied
    other.history.assign(50, 1);
    other.topics.clear();
    EXPECT_EQ(return_probability(other), return_probability(user));
    EXPECT_EQ(leave_probability(other), leave_probability(user));
  }
}

// Users who differ in nothing but what is new to them like, watch, leave and return alike.
TEST_F(Sessions, NoveltyEntersNoReward) {
  for (int64_t number = 0; number < 20; ++number) {
    const UserState fresh = new_user(world, number);
    for (const int32_t item : {known_item(fresh), disliked_item(fresh)}) {
      const int32_t topic = world.items.topic(item);
      UserState used = fresh;  // knows every topic and has seen every item, long ago
      used.topics.clear();
      for (int32_t other = 0; other < world.topic_count(); ++other)
        used.topics.push_back({other, other == topic ? 0.3f : 1.0f, 0, 0});
      for (int32_t other = 0; other < world.items.size(); ++other) used.history.push_back(other);
      UserState unaware = fresh;
      unaware.topics.clear();
      for (UserState* user : {&used, &unaware}) {
        EXPECT_EQ(like_probability(world, *user, item, 3), like_probability(world, fresh, item, 3));
        UserState same = fresh;
        const Interaction expected = watch(world, same, item, {3, 1});
        const Interaction event = watch(world, *user, item, {3, 1});
        EXPECT_EQ(event.liked, expected.liked);
        EXPECT_EQ(event.watch_seconds, expected.watch_seconds);
        EXPECT_EQ(user->satisfaction, same.satisfaction);
        EXPECT_EQ(leave_probability(*user), leave_probability(same));
        EXPECT_EQ(return_probability(*user), return_probability(same));
      }
    }
  }
}

TEST_F(Sessions, AwarenessRisesByWhatSatisfiesAlone) {
  UserState user = new_user(world, 3);
  const int32_t item = disliked_item(user), topic = world.items.topic(item);
  const auto awareness = [&] {
    for (const TopicMemory& memory : user.topics)
      if (memory.topic == topic) return memory.awareness;
    return 0.0f;
  };
  int liked = 0, not_liked = 0;
  for (int32_t day = 0; day < 200; ++day) {
    const float before = awareness();
    const bool satisfied = watch(world, user, item, {day, 0}).liked;
    (satisfied ? liked : not_liked) += 1;
    if (satisfied)
      EXPECT_FLOAT_EQ(awareness(), before + 0.5f * (1 - before));
    else
      EXPECT_EQ(awareness(), before);
  }
  EXPECT_GT(liked, 5);
  EXPECT_GT(not_liked, 50);
}

TEST_F(Sessions, WithoutGammaNothingTires) {
  world.options.gamma = 0;
  UserState user = new_user(world, 3);
  const int32_t item = known_item(user);
  const double before = like_probability(world, user, item, 0);
  for (int32_t i = 0; i < 30; ++i) watch(world, user, item, {0, i});
  EXPECT_EQ(like_probability(world, user, item, 0), before);
  world.options.gamma = 0.2;
  EXPECT_LT(like_probability(world, user, item, 0), before / 4);
}

TEST_F(Sessions, ADayHasOneVisitInOrder) {
  const Incumbent incumbent(world);
  int64_t visits = 0, own = 0, events = 0;
  for (int64_t number = 0; number < 50; ++number) {
    UserState user = new_user(world, number);
    int64_t clock = 0;
    for (int32_t day = 0; day < options.days; ++day) {
      int64_t count = 0;
      live_one_day(world, user, day, incumbent, [&](const Interaction& event) {
        EXPECT_GE(event.time, std::max(clock, day * int64_t{86400}));
        EXPECT_EQ(event.user, number);
        EXPECT_EQ(event.topic, world.items.topic(event.item));
        EXPECT_GT(event.watch_seconds, 0);
        clock = event.time;
        own += event.own_choice;
        ++count;
      });
      EXPECT_LE(count, 100);
      visits += count > 0;
      events += count;
    }
    EXPECT_EQ(static_cast<int64_t>(user.history.size()) > 0, clock > 0);
  }
  EXPECT_GT(visits, 50);
  EXPECT_LT(visits, 50 * options.days);
  EXPECT_NEAR(static_cast<double>(own) / static_cast<double>(events), 0.2, 0.03);
}

// Two policies meet the same luck: until they differ, so does nothing else.
TEST_F(Sessions, LuckDoesNotDependOnThePolicy) {
  const auto life_under = [&](int64_t number, int draws) {
    UserState user = new_user(world, number);
    std::vector<std::pair<int32_t, bool>> life;
    const ItemChoice policy = [&](const UserState&, Random& random) {
      for (int i = 0; i < draws; ++i) random.bits();
      return known_item(user);
    };
    for (int32_t day = 0; day < options.days; ++day)
      live_one_day(world, user, day, policy,
                   [&](const Interaction& event) { life.emplace_back(event.item, event.liked); });
    return life;
  };
  size_t events = 0;
  for (int64_t number = 0; number < 10; ++number) {
    EXPECT_EQ(life_under(number, 0), life_under(number, 100));
    events += life_under(number, 0).size();
  }
  EXPECT_GT(events, 100u);
}

}  // namespace
}  // namespace serendip
