#include "simulator/incumbent.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "tests/simulator/small_wordnet.h"

namespace serendip {
namespace {

class IncumbentPolicy : public SmallWorld {
 protected:
  IncumbentPolicy() : world(make_world(options)), incumbent(world) {}
  World world;
  Incumbent incumbent;
};

TEST_F(IncumbentPolicy, ShowsWhatIsKnownAndWhatAWalkedLinkLeadsTo) {
  int64_t known_shown = 0, all = 0;
  for (int64_t number = 0; number < 20; ++number) {
    const UserState user = new_user(world, number);
    std::set<int32_t> known, reachable;
    for (const TopicMemory& memory : user.topics) {
      known.insert(memory.topic);
      for (const RelatedTopic& link : world.related.of(memory.topic))
        if (link.walked) reachable.insert(link.topic);
    }
    for (int64_t i = 0; i < 500; ++i) {
      Random random(9, static_cast<uint64_t>(number * 500 + i));
      const int32_t topic = world.items.topic(incumbent(user, random));
      EXPECT_TRUE(known.contains(topic) || reachable.contains(topic)) << topic;
      known_shown += known.contains(topic);
      ++all;
    }
  }
  const double share = static_cast<double>(known_shown) / static_cast<double>(all);
  EXPECT_GT(share, 0.78);  // 0.8, and the links that lead to known topics
  EXPECT_LT(share, 0.97);
}

TEST_F(IncumbentPolicy, PrefersWhatIsPopularAndWellKnown) {
  UserState user = new_user(world, 1);
  user.topics = {{0, 1.0f, 0, 0}, {1, 0.5f, 0, 0}, {2, 0.0f, 7, 0}};
  const double first = world.popularity[0], second = 0.5 * world.popularity[1];
  std::map<int32_t, double> shown;
  constexpr int kDraws = 20'000;
  for (int i = 0; i < kDraws; ++i) {
    Random random(3, static_cast<uint64_t>(i));
    Random same = random;
    if (same.uniform() < 0.2) continue;  // it explores
    ++shown[world.items.topic(incumbent(user, random))];
  }
  EXPECT_EQ(shown.size(), 2u);  // the third was met, but never liked
  EXPECT_NEAR(shown[0] / (shown[0] + shown[1]), first / (first + second), 0.02);
}

TEST_F(IncumbentPolicy, AvoidsWhatWasSeen) {
  UserState user = new_user(world, 1);
  const auto repeats = [&] {
    int count = 0;
    for (int i = 0; i < 2000; ++i) {
      Random random(3, static_cast<uint64_t>(i));
      const int32_t item = incumbent(user, random);
      count += std::count(user.history.begin(), user.history.end(), item) > 0;
    }
    return count;
  };
  for (const TopicMemory& memory : user.topics)
    user.history.push_back(world.items.items_of(memory.topic)[0]);
  EXPECT_LT(repeats(), 400);  // each is a draw in four or more without the rule
}

TEST_F(IncumbentPolicy, WithoutAKnownTopicFollowsPopularity) {
  UserState user = new_user(world, 1);
  user.topics.clear();
  std::set<int32_t> shown;
  for (int i = 0; i < 2000; ++i) {
    Random random(3, static_cast<uint64_t>(i));
    shown.insert(world.items.topic(incumbent(user, random)));
  }
  EXPECT_GT(shown.size(), 40u);
}

// Logs show a part of what is related: links that are not walked are taken far less often.
TEST_F(IncumbentPolicy, LogsCoverAPartOfTheGraph) {
  std::map<bool, double> taken, possible;
  for (int64_t number = 0; number < 300; ++number) {
    UserState user = new_user(world, number);
    std::vector<int32_t> liked;  // topics, in the order of first liking
    for (int32_t day = 0; day < options.days; ++day)
      live_one_day(world, user, day, incumbent, [&](const Interaction& event) {
        if (event.liked && std::find(liked.begin(), liked.end(), event.topic) == liked.end())
          liked.push_back(event.topic);
      });
    for (size_t i = 1; i < liked.size(); ++i)
      for (const RelatedTopic& link : world.related.of(liked[i - 1]))
        taken[link.walked] += link.topic == liked[i];
  }
  for (const RelatedTopic& link : world.related.links()) ++possible[link.walked];
  EXPECT_GT(taken[true] / possible[true], 2 * taken[false] / possible[false]);
}

}  // namespace
}  // namespace serendip
