#include "simulator/world.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "simulator/draws.h"
#include "tests/simulator/small_wordnet.h"

namespace serendip {
namespace {

using ImpossibleWorld = SmallWorld;

TEST_F(ImpossibleWorld, NamesWhatItExpected) {
  const auto error_with = [&](int64_t WorldOptions::*key, int64_t value) {
    WorldOptions changed = options;
    changed.*key = value;
    return error_of([&] { make_world(changed); });
  };
  EXPECT_EQ(error_with(&WorldOptions::topics, 61),
            "world.topics = 61: expected at most 60, all that '" + options.wordnet + "' has");
  EXPECT_EQ(error_with(&WorldOptions::users, 0), "world.users = 0: expected at least 1");
  EXPECT_EQ(error_with(&WorldOptions::items, 0),
            "world.items = 0: expected at least 60, one a topic");
  EXPECT_EQ(error_with(&WorldOptions::items, 59),
            "world.items = 59: expected at least 60, one a topic");
  EXPECT_EQ(error_with(&WorldOptions::interests, 21),
            "world.interests = 21: expected at most 20, a third of the topics: users dislike most");
}

using Items = SmallWorld;

TEST_F(Items, AreSharedOutByTopicsPopularity) {
  options.items = 30'000;
  const World world = make_world(options);
  std::map<int32_t, int64_t> count;
  for (const int32_t topic : world.items.topics()) ++count[topic];
  double total = 0;
  for (const double popularity : world.popularity) total += std::sqrt(popularity);
  for (int32_t topic = 0; topic < world.topic_count(); ++topic) {
    const double due = 1 + (30'000 - kSmallTopics) *
                               std::sqrt(world.popularity[static_cast<size_t>(topic)]) / total;
    EXPECT_NEAR(static_cast<double>(count[topic]), due, 1.01) << topic;
    EXPECT_EQ(world.items.items_of(topic).size(), static_cast<size_t>(count[topic]));
    for (const int32_t item : world.items.items_of(topic))
      EXPECT_EQ(world.items.topic(item), topic);
  }
}

TEST_F(Items, AsManyAsTopicsAreOneEach) {
  options.items = kSmallTopics;
  const World world = make_world(options);
  for (int32_t topic = 0; topic < world.topic_count(); ++topic)
    EXPECT_EQ(world.items.items_of(topic).size(), 1u);
}

TEST_F(Items, AreDrawnByZipfsLaw) {
  const World world = make_world(options);
  const std::span<const int32_t> items = world.items.items_of(0);
  const double count = static_cast<double>(items.size());
  constexpr int kDraws = 200'000;
  std::map<int32_t, double> share;
  Random random(1);
  for (int i = 0; i < kDraws; ++i) share[world.items.draw_item(0, random)] += 1.0 / kDraws;
  for (size_t rank = 1; rank <= items.size(); ++rank) {
    const double expected =
        std::log((static_cast<double>(rank) + 1) / static_cast<double>(rank)) / std::log1p(count);
    EXPECT_NEAR(share[items[rank - 1]], expected, 0.005) << rank;  // 4 standard errors
  }
}

TEST_F(Items, BetterOnesAreMorePopular) {
  options.items = 30'000;
  const World world = make_world(options);
  const std::span<const int32_t> items = world.items.items_of(0);
  double first = 0, second = 0;
  for (size_t i = 0; i < items.size(); ++i)
    (i < items.size() / 2 ? first : second) += world.items.quality(items[i]);
  EXPECT_GT(first, second);
}

TEST_F(Items, TopicsAreDrawnByPopularity) {
  const World world = make_world(options);
  constexpr int kDraws = 200'000;
  std::map<int32_t, double> share;
  Random random(1);
  for (int i = 0; i < kDraws; ++i) share[world.draw_topic(random)] += 1.0 / kDraws;
  for (int32_t topic = 0; topic < world.topic_count(); ++topic)
    EXPECT_NEAR(share[topic],
                world.popularity[static_cast<size_t>(topic)] / world.popularity_sum.back(), 0.005);
}

}  // namespace
}  // namespace serendip
