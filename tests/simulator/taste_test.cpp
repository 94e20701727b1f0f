#include "simulator/taste.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/simulator/small_wordnet.h"

namespace serendip {
namespace {

using Tastes = SmallWorld;

TEST_F(Tastes, AreFewAndDistinct) {
  const World world = make_world(options);
  double sum = 0;
  constexpr int64_t kUsers = 500;
  for (int64_t user = 0; user < kUsers; ++user) {
    const Taste taste = draw_taste(world, user);
    sum += static_cast<double>(taste.topic.size());
    EXPECT_GE(taste.topic.size(), 6u);
    EXPECT_LE(taste.topic.size(), 18u);
    EXPECT_EQ(taste.known, 4u);
    EXPECT_EQ(std::set<int32_t>(taste.topic.begin(), taste.topic.end()).size(), taste.topic.size());
    for (size_t i = 0; i < taste.topic.size(); ++i) {
      EXPECT_GT(taste.affinity[i], 0);
      EXPECT_EQ(affinity(world, taste, user, taste.topic[i]), taste.affinity[i]);
    }
  }
  EXPECT_NEAR(sum / kUsers, 12, 0.7);  // 4 standard errors of a uniform on 6 … 18
}

TEST_F(Tastes, DislikeMostOfWhatIsUnseen) {
  const World world = make_world(options);
  double unseen = 0, disliked = 0;
  for (int64_t user = 0; user < 100; ++user) {
    const Taste taste = draw_taste(world, user);
    const std::set<int32_t> known(taste.topic.begin(),
                                  taste.topic.begin() + static_cast<std::ptrdiff_t>(taste.known));
    for (int32_t topic = 0; topic < world.topic_count(); ++topic) {
      if (known.contains(topic)) continue;
      ++unseen;
      disliked += affinity(world, taste, user, topic) < 0;
    }
  }
  EXPECT_GT(disliked / unseen, 0.75);
  EXPECT_LT(disliked / unseen, 0.95);  // and there is something to find
}

// What makes exploration along the graph worth while: a liked topic's relatives are liked far more
// often than others.
TEST_F(Tastes, HangTogether) {
  const World world = make_world(options);
  double related = 0, related_liked = 0, other = 0, other_liked = 0;
  for (int64_t user = 0; user < 200; ++user) {
    const Taste taste = draw_taste(world, user);
    const std::set<int32_t> liked(taste.topic.begin(), taste.topic.end());
    for (const int32_t a : liked)
      for (int32_t b = 0; b < world.topic_count(); ++b) {
        if (a == b) continue;
        const bool is_related = world.related.weight(a, b) > 0;
        (is_related ? related : other) += 1;
        (is_related ? related_liked : other_liked) += liked.contains(b);
      }
  }
  EXPECT_GT(related_liked / related, 1.3 * other_liked / other);
}

TEST_F(Tastes, KnownInterestsHangByWalkedLinks) {
  const World world = make_world(options);
  double steps = 0, walked = 0;
  for (int64_t user = 0; user < 200; ++user) {
    const Taste taste = draw_taste(world, user);
    for (size_t i = 2; i < taste.known; ++i) {
      ++steps;
      walked +=
          std::any_of(taste.topic.begin(), taste.topic.begin() + static_cast<std::ptrdiff_t>(i),
                      [&](int32_t before) {
                        const auto row = world.related.of(before);
                        return std::any_of(row.begin(), row.end(), [&](const RelatedTopic& to) {
                          return to.topic == taste.topic[i] && to.walked;
                        });
                      });
    }
  }
  EXPECT_GT(walked / steps, 0.99);  // where every walk is stuck, popularity decides
}

TEST_F(Tastes, DependOnSeedAndUserAlone) {
  const World world = make_world(options);
  EXPECT_EQ(draw_taste(world, 7).topic, draw_taste(world, 7).topic);
  EXPECT_NE(draw_taste(world, 7).topic, draw_taste(world, 8).topic);
  options.seed = 2;
  EXPECT_NE(draw_taste(make_world(options), 7).topic, draw_taste(world, 7).topic);
  options.seed = 1;
  options.users = 10'000;  // a user's life is the same in a larger crowd
  EXPECT_EQ(draw_taste(make_world(options), 7).topic, draw_taste(world, 7).topic);
}

}  // namespace
}  // namespace serendip
