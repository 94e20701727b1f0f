#include "simulator/topics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/simulator/small_wordnet.h"

namespace serendip {
namespace {

std::vector<std::string> names(const std::vector<Topic>& topics) {
  std::vector<std::string> names;
  for (const Topic& topic : topics) names.push_back(topic.name);
  return names;
}

// Every concept below is mentioned somewhere, so that one reason alone leaves it out.
TEST(Topics, ThoseThatQualify) {
  const TemporaryFolder folder;
  write_wordnet(
      folder.path(),
      {{1, "entity", 0, "golf, golf; table tennis; Judo; polo; xi; felt; a round of golf clubs"},
       {2, "sport", 1, "golf or table tennis"},
       {3, "golf links", 2, "with balls and holes"},
       {4, "table_tennis ping-pong", 2, "a sport with small balls, like golf"},
       {5, "Judo", 2, "a proper name"},
       {6, "xi", 2, "too short"},
       {7, "felt", 2, "an adjective, too"},
       {8, "chess_of_kings", 2, "three words"},
       {9, "bore", 1, "the first sense of bore"},
       {10, "bore", 2, "the second sense of bore"},
       {11, "mute", 2, "no definition has it"},
       {12, "game", 1, "fun"},
       {13, "polo", 12, "with horses"},
       {14, "aside", 1, "polo below no root: aside"}},
      {"felt"});
  const std::vector<Topic> topics = read_topics(folder.path(), 3);
  EXPECT_EQ(names(topics), (std::vector<std::string>{"golf", "polo", "table tennis"}));
  EXPECT_EQ(topics[2].parent, "sport");
  EXPECT_EQ(topics[2].gloss, "a sport with small balls, like golf");
  EXPECT_EQ(topics[2].words, (std::vector<std::string>{"sport", "small", "balls", "like", "golf"}));
  EXPECT_EQ(topics[2].path, (std::vector<int32_t>{0, 1, 3}));
  const std::string error = error_of([&] { read_topics(folder.path(), 4); });
  EXPECT_NE(error.find("world.topics = 4: expected at most 3"), std::string::npos) << error;
}

TEST(Topics, NoWordNet) {
  const TemporaryFolder folder;
  const std::string error = error_of([&] { read_topics(folder.path(), 4); });
  EXPECT_NE(error.find("wordnet-base"), std::string::npos) << error;
}

TEST(Topics, OfDebiansWordNet) {
  if (!has_wordnet()) GTEST_SKIP() << "no WordNet in " << kWordNetFolder;
  constexpr int64_t kMany = 3500;
  const std::vector<Topic> topics = read_topics(kWordNetFolder, kMany);
  const std::vector<std::string> all = names(topics);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), static_cast<size_t>(kMany));
  for (const char* everyday : {"golf", "opera", "guitar", "pizza", "coffee", "chemistry"})
    EXPECT_NE(std::find(all.begin(), all.begin() + 761, everyday), all.begin() + 761) << everyday;
  // The first topics of a larger world are those of a smaller one.
  EXPECT_EQ(names(read_topics(kWordNetFolder, 761)),
            std::vector<std::string>(all.begin(), all.begin() + 761));
  const std::string error = error_of([] { read_topics(kWordNetFolder, 100'000); });
  EXPECT_NE(error.find("world.topics = 100000: expected at most "), std::string::npos) << error;
}

}  // namespace
}  // namespace serendip
