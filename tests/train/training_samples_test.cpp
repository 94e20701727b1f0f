#include "train/training_samples.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

// Four clusters; cluster c is described by c + 1 tokens 10 + c.
InterestLanguage language() {
  InterestLanguage language;
  language.template_pieces = {{1}, {5}, {6}};
  for (int32_t c = 0; c < 4; ++c) {
    language.descriptions.push_back(std::to_string(c));
    language.description_ids.emplace_back(static_cast<size_t>(c + 1), 10 + c);
  }
  language.terminator = 2;
  return language;
}

// (0,1)->2 twice, (1,2)->3 once, (2,3)->0 once.
TransitionSet transitions() { return {2, {0, 1, 1, 2, 2, 3}, {2, 3, 0}, {2, 1, 1}}; }

std::string key_of(const Sample& sample) {
  std::string key;
  for (const std::vector<int32_t>* part : {&sample.prompt, &sample.labels})
    for (const int32_t token : *part) key += std::to_string(token) + ",";
  return key;
}

std::vector<std::string> keys_of(const std::vector<Sample>& samples) {
  std::vector<std::string> keys;
  for (const Sample& sample : samples) keys.push_back(key_of(sample));
  return keys;
}

TEST(TrainingSamples, AreRepeatedByCountAndEndWithTheTerminator) {
  const TrainingSamples samples(language(), transitions(), 0, false, 1, "set");
  ASSERT_EQ(samples.size(), 4);
  const std::vector<Sample> all = samples.step(0, 4);
  EXPECT_EQ(key_of(all[0]), key_of(all[1]));
  EXPECT_EQ(all[0].prompt, (std::vector<int32_t>{1, 10, 5, 11, 11, 6}));
  EXPECT_EQ(all[0].labels, (std::vector<int32_t>{12, 12, 12, 2}));
}

// A step's samples are those of its places, whatever came before; an epoch holds each sample once.
TEST(TrainingSamples, OrderDependsOnSeedAndStepAlone) {
  const TrainingSamples samples(language(), transitions(), 0, false, 1, "set"),
      same(language(), transitions(), 0, false, 1, "set"),
      other(language(), transitions(), 0, false, 2, "set");
  std::vector<std::string> epoch, whole = keys_of(samples.step(0, 4));
  bool differs = false;
  for (int64_t step = 3; step >= 0; --step) {
    for (const std::string& key : keys_of(samples.step(step, 1))) epoch.push_back(key);
    EXPECT_EQ(keys_of(samples.step(step, 3)), keys_of(same.step(step, 3)));
    differs = differs || keys_of(samples.step(step, 3)) != keys_of(other.step(step, 3));
  }
  std::sort(epoch.begin(), epoch.end());
  std::sort(whole.begin(), whole.end());
  EXPECT_EQ(epoch, whole);
  EXPECT_TRUE(differs);
  const std::vector<Sample> step = samples.step(1, 3);
  EXPECT_TRUE(std::is_sorted(step.begin(), step.end(),
                             [](const Sample& a, const Sample& b) { return a.prompt < b.prompt; }));
}

TEST(TrainingSamples, LongOnesAreNamedOrLeftOut) {
  const std::string message =
      error_of([] { TrainingSamples(language(), transitions(), 12, false, 1, "set.jsonl"); });
  EXPECT_EQ(message,
            "set.jsonl: 1 samples are longer than the model's 12 tokens; transition 1 "
            "([1, 2] -> 3) has 13 (sft.too_long=skip leaves them out)");
  const TrainingSamples kept(language(), transitions(), 12, true, 1, "set.jsonl");
  EXPECT_EQ(kept.size(), 3);
  EXPECT_EQ(kept.skipped(), 1);
  EXPECT_NE(error_of([] {
              TrainingSamples(language(), transitions(), 3, true, 1, "set.jsonl");
            }).find("set.jsonl: no samples"),
            std::string::npos);
}

TEST(TrainingSamples, ClustersOutsideTheTreeAreNamed) {
  TransitionSet bad = transitions();
  bad.label[1] = 4;
  EXPECT_EQ(error_of([&] { TrainingSamples(language(), bad, 0, false, 1, "set"); }),
            "set: transition 1: label: expected a cluster from 0 to 3, got 4");
  bad = transitions();
  bad.context[5] = -1;
  EXPECT_EQ(error_of([&] { TrainingSamples(language(), bad, 0, false, 1, "set"); }),
            "set: transition 2: context: expected a cluster from 0 to 3, got -1");
}

TEST(TrainingSamples, ProcessesAndPassesShareThemOut) {
  const TrainingSamples samples(language(), transitions(), 0, false, 1, "set");
  for (const int64_t count : {1, 5, 16}) {
    const std::vector<Sample> step = samples.step(0, count);
    for (const int64_t world_size : {1, 2, 4}) {
      for (const int64_t micro : {0, 1, 3}) {
        std::vector<std::string> found;
        for (int64_t rank = 0; rank < world_size; ++rank) {
          for (const auto& pass : own_passes(step, rank, world_size, micro)) {
            EXPECT_FALSE(pass.empty());
            if (micro > 0) {
              EXPECT_LE(static_cast<int64_t>(pass.size()), micro);
            }
            for (const std::string& key : keys_of(pass)) found.push_back(key);
          }
        }
        EXPECT_EQ(found, keys_of(step));
      }
    }
  }
}

}  // namespace
}  // namespace serendip
