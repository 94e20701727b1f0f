#include "simulator/item_content.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "data/words.h"
#include "tests/simulator/small_wordnet.h"

namespace serendip {
namespace {

using ItemContent = SmallWorld;

TEST_F(ItemContent, TextNamesTheTopic) {
  const World world = make_world(options);
  int64_t strays = 0;
  for (int32_t item = 0; item < options.items; ++item) {
    const Topic& topic = world.topics[static_cast<size_t>(world.items.topic(item))];
    const WorldItemText text = item_text(world, item);
    EXPECT_NE((text.title + " " + text.tags).find(topic.name), std::string::npos);
    EXPECT_TRUE(text.tags.starts_with(topic.name + ", " + topic.parent + ", ")) << text.tags;
    EXPECT_EQ(text.title.find('{'), std::string::npos) << text.title;
    EXPECT_FALSE(text.title[0] >= 'a' && text.title[0] <= 'z') << text.title;
    const auto tags = std::count(text.tags.begin(), text.tags.end(), ',') + 1;
    EXPECT_TRUE(tags == 5 || tags == 6) << text.tags;
    strays += tags == 6;
  }
  EXPECT_NEAR(static_cast<double>(strays) / 300, 1.0 / 7, 0.08);
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double dot = 0, squares_a = 0, squares_b = 0;
  for (size_t d = 0; d < a.size(); ++d) {
    dot += static_cast<double>(a[d]) * b[d];
    squares_a += static_cast<double>(a[d]) * a[d];
    squares_b += static_cast<double>(b[d]) * b[d];
  }
  return dot / std::sqrt(squares_a * squares_b);
}

// Two items of one topic share 0.7² of lengths √(0.7² + 0.7²).
TEST_F(ItemContent, VectorsTellTopicsApart) {
  options.dimensions = 256;
  const World world = make_world(options);
  const WorldItemVectors vectors(world);
  std::vector<std::vector<float>> all(static_cast<size_t>(options.items), std::vector<float>(256));
  for (int32_t item = 0; item < options.items; ++item)
    vectors.fill(item, all[static_cast<size_t>(item)]);
  double same = 0, same_count = 0, siblings = 0, sibling_count = 0, apart = 0, apart_count = 0;
  for (int32_t a = 0; a < options.items; ++a)
    for (int32_t b = 0; b < a; ++b) {
      const Topic& left = world.topics[static_cast<size_t>(world.items.topic(a))];
      const Topic& right = world.topics[static_cast<size_t>(world.items.topic(b))];
      const double value = cosine(all[static_cast<size_t>(a)], all[static_cast<size_t>(b)]);
      if (left.name == right.name) {
        same += value;
        ++same_count;
      } else if (left.path[1] == right.path[1]) {
        siblings += value;
        ++sibling_count;
      } else {
        apart += value;
        ++apart_count;
      }
    }
  EXPECT_NEAR(same / same_count, 0.5, 0.03);
  EXPECT_LT(siblings / sibling_count, 0.8 * same / same_count);
  EXPECT_LT(apart / apart_count, 0.8 * siblings / sibling_count);
}

}  // namespace
}  // namespace serendip
