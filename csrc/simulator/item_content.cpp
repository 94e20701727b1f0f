#include "simulator/item_content.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "simulator/draws.h"

namespace serendip {
namespace {

// {0} the topic, {1} and {2} words of its definition.
constexpr std::array kTitles = {"{0} for beginners",   "the best of {0}",    "all about {0}",
                                "a guide to {0}",      "{0} and {1}",        "inside {0}: {1}",
                                "ten facts on {0}",    "a day with {0}",     "{0}, {1} and {2}",
                                "the story of {0}",    "{0} up close",       "why {0} matters",
                                "{0} in five minutes", "{1} and {2} of {0}", "the world of {0}"};
constexpr size_t kTitleWords = 2, kDefinitionTags = 3;
constexpr double kStrayTags = 1.0 / 7;
constexpr double kPathDecay = 0.8, kSignal = 0.7, kNoise = 0.7;

}  // namespace

WorldItemText item_text(const World& world, int32_t item) {
  const Topic& topic = world.topics[static_cast<size_t>(world.items.topic(item))];
  Random random = draw(world.options.seed, Draw::kItemText, item);
  std::vector<std::string> words = topic.words;
  random.shuffle(words);
  while (words.size() < kTitleWords) words.push_back(topic.name);
  WorldItemText text;
  const char* title = kTitles[random.below(kTitles.size())];
  text.title = fmt::format(fmt::runtime(title), topic.name, words[0], words[1]);
  if (text.title[0] >= 'a' && text.title[0] <= 'z') text.title[0] -= 'a' - 'A';
  text.tags = topic.name + ", " + topic.parent;
  for (size_t i = kTitleWords; i < std::min(words.size(), kTitleWords + kDefinitionTags); ++i)
    text.tags += ", " + words[i];
  if (random.uniform() < kStrayTags)
    text.tags += ", " + world.topics[random.below(world.topics.size())].name;
  return text;
}

WorldItemVectors::WorldItemVectors(const World& world)
    : world_(world),
      dimensions_(static_cast<size_t>(world.options.dimensions)),
      topic_(world.topics.size() * dimensions_) {
#pragma omp parallel for schedule(dynamic, 8)
  for (size_t t = 0; t < world.topics.size(); ++t) {
    std::vector<double> sum(dimensions_, 0.0);
    double scale = 1, squares = 0;
    const std::vector<int32_t>& path = world.topics[t].path;
    for (auto concept_number = path.rbegin(); concept_number != path.rend(); ++concept_number) {
      Random random = draw(world.options.seed, Draw::kDirection, *concept_number);
      for (double& value : sum) value += scale * random.normal();
      scale *= kPathDecay;
    }
    for (const double value : sum) squares += value * value;
    for (size_t d = 0; d < dimensions_; ++d)
      topic_[t * dimensions_ + d] = static_cast<float>(sum[d] / std::sqrt(squares));
  }
}

void WorldItemVectors::fill(int32_t item, std::span<float> vector) const {
  Random random = draw(world_.options.seed, Draw::kItemVector, item);
  const double noise = kNoise / std::sqrt(static_cast<double>(dimensions_));
  const float* topic = &topic_[static_cast<size_t>(world_.items.topic(item)) * dimensions_];
  for (size_t d = 0; d < dimensions_; ++d)
    vector[d] = static_cast<float>(kSignal * topic[d] + noise * random.normal());
}

}  // namespace serendip
