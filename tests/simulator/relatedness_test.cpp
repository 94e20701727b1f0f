#include "simulator/relatedness.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "clusters/words.h"
#include "tests/simulator/small_wordnet.h"

namespace serendip {
namespace {

Topic topic_with_path(const std::vector<int32_t>& path) { return {"name", "parent", "", {}, path}; }

TEST(WuPalmer, ByHand) {
  const Topic a = topic_with_path({0, 1, 2, 3}), b = topic_with_path({0, 1, 4});
  EXPECT_DOUBLE_EQ(wu_palmer(a, b), 2.0 * 2 / (4 + 3));
  EXPECT_DOUBLE_EQ(wu_palmer(b, a), wu_palmer(a, b));
  EXPECT_DOUBLE_EQ(wu_palmer(a, a), 1);
  EXPECT_DOUBLE_EQ(wu_palmer(a, topic_with_path({0, 1, 2})), 6.0 / 7);  // one above the other
  EXPECT_DOUBLE_EQ(wu_palmer(a, topic_with_path({7, 8})), 0);
}

// Cosine of the words of name and definition under TF-IDF, by maps.
double plain_cosine(const std::vector<Topic>& topics, size_t a, size_t b) {
  const auto words = [&](size_t t) {
    std::set<std::string> set(topics[t].words.begin(), topics[t].words.end());
    for (const std::string& word : words_of(topics[t].name)) set.insert(word);
    return set;
  };
  std::map<std::string, double> with;
  for (size_t t = 0; t < topics.size(); ++t)
    for (const std::string& word : words(t)) ++with[word];
  double dot = 0, squares_a = 0, squares_b = 0;
  const auto weight = [&](const std::string& word) {
    return std::log(static_cast<double>(topics.size()) / with.at(word));
  };
  for (const std::string& word : words(a)) {
    squares_a += weight(word) * weight(word);
    if (words(b).contains(word)) dot += weight(word) * weight(word);
  }
  for (const std::string& word : words(b)) squares_b += weight(word) * weight(word);
  return squares_a > 0 && squares_b > 0 ? dot / std::sqrt(squares_a * squares_b) : 0;
}

class Related : public testing::Test {
 protected:
  Related() {
    const TemporaryFolder folder;
    write_small_wordnet(folder.path());
    topics = read_topics(folder.path(), kSmallTopics);
  }
  std::vector<Topic> topics;
};

TEST_F(Related, SimilarityEqualsThePlainOne) {
  const std::vector<float> similarity = open_similarity(topics);
  ASSERT_EQ(similarity.size(), topics.size() * topics.size());
  for (size_t a = 0; a < topics.size(); ++a)
    for (size_t b = 0; b < topics.size(); ++b) {
      const double expected = (wu_palmer(topics[a], topics[b]) + plain_cosine(topics, a, b)) / 2;
      EXPECT_NEAR(similarity[a * topics.size() + b], expected, 1e-6) << a << " " << b;
      EXPECT_EQ(similarity[a * topics.size() + b], similarity[b * topics.size() + a]);
    }
}

TEST_F(Related, IsSymmetricAndWithinRange) {
  const RelatednessGraph graph = relate_topics(topics, 2, 1);
  const auto count = static_cast<int32_t>(topics.size());
  for (int32_t a = 0; a < count; ++a) {
    int32_t before = -1;
    for (const RelatedTopic& link : graph.of(a)) {
      EXPECT_GT(link.topic, before);
      before = link.topic;
      EXPECT_NE(link.topic, a);
      EXPECT_GT(link.weight, 0);
      EXPECT_LE(link.weight, 1);
      EXPECT_EQ(graph.weight(a, link.topic), link.weight);
      EXPECT_EQ(graph.weight(link.topic, a), link.weight);
      const auto back = graph.of(link.topic);
      const auto same = std::find_if(back.begin(), back.end(),
                                     [a](const auto& other) { return other.topic == a; });
      ASSERT_NE(same, back.end());
      EXPECT_EQ(same->hidden, link.hidden);
      EXPECT_EQ(same->walked, link.walked);
    }
  }
}

TEST_F(Related, OpenLinksAreTheMostSimilar) {
  const std::vector<float> similarity = open_similarity(topics);
  const RelatednessGraph graph = relate_topics(topics, 0, 1);
  const auto count = static_cast<int32_t>(topics.size());
  for (int32_t a = 0; a < count; ++a) {
    std::vector<float> row(similarity.begin() + a * count, similarity.begin() + (a + 1) * count);
    row.erase(row.begin() + a);
    std::sort(row.rbegin(), row.rend());
    EXPECT_GE(graph.of(a).size(), 8u);
    for (int32_t b = 0; b < count; ++b) {
      if (a == b || similarity[static_cast<size_t>(a * count + b)] <= row[8]) continue;
      EXPECT_GT(graph.weight(a, b), 0) << a << " " << b;
    }
  }
}

TEST_F(Related, CrossLinksAndWalksAreDrawnByTheSeed) {
  const auto facts = [&](int64_t links, int64_t seed) {
    const RelatednessGraph graph = relate_topics(topics, links, seed);
    std::vector<std::pair<int32_t, bool>> hidden;
    int64_t walked = 0;
    for (const RelatedTopic& link : graph.links()) {
      if (link.hidden) hidden.emplace_back(link.topic, link.walked);
      walked += link.walked;
    }
    const double share = static_cast<double>(walked) / static_cast<double>(graph.links().size());
    EXPECT_NEAR(share, 0.5, 0.1);
    return hidden;
  };
  EXPECT_TRUE(facts(0, 1).empty());
  // Of 120 draws some fall on pairs that are related already.
  EXPECT_GT(facts(2, 1).size(), 2 * 60u);
  EXPECT_LE(facts(2, 1).size(), 2 * 120u);
  EXPECT_EQ(facts(2, 1), facts(2, 1));
  EXPECT_NE(facts(2, 1), facts(2, 2));
}

}  // namespace
}  // namespace serendip
