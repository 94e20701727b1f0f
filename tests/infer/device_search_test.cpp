// The label search with its model on a device: the same answers, and one read of the device for a
// level of the trie.
#include <gtest/gtest.h>

#include "infer/label_search.h"
#include "lm/attention.h"
#include "tests/infer/small_language.h"
#include "tests/infer/strict_device.h"

namespace serendip {
namespace {

constexpr int32_t kTerminator = 2;

Decoder on_device(Decoder decoder) {
  decoder.for_each_weight(
      [](const std::string&, torch::Tensor& weight) { weight = weight.to(strict_device()); });
  decoder.attention_method =
      attention_method_for(decoder.embed_tokens.options(), decoder.config.head_dim);
  return decoder;
}

TEST(StrictDevice, RefusesMixedTensorsAndCountsReads) {
  const torch::Tensor here = torch::arange(6, torch::kFloat32), there = here.to(strict_device());
  EXPECT_THROW(here + there, c10::Error);
  EXPECT_THROW(torch::cat({here, there}), c10::Error);
  int64_t before = host_reads();
  const torch::Tensor rows = there.view({2, 3});
  rows.narrow(0, 1, 1).copy_(rows.narrow(0, 0, 1) * 10);
  const torch::Tensor sums = rows.sum(1);
  EXPECT_EQ(host_reads(), before);
  EXPECT_TRUE(torch::equal(sums.to(torch::kCPU), torch::tensor({3.F, 30.F})));
  EXPECT_EQ(host_reads(), ++before);
  EXPECT_EQ(there[4].item<float>(), 10);
  EXPECT_EQ(host_reads(), ++before);
  EXPECT_DEATH(there.data_ptr<float>()[0] = 1, "");
}

class DeviceSearch : public testing::Test {
 protected:
  void SetUp() override {
    for (int32_t i = 0; i < 5; ++i) queries.push_back({{1, 10, 11 + i / 2, i}, {i, 7}});
  }

  const LabelTrie trie{random_labels(60, 4), kTerminator};
  const Decoder host = random_decoder(1), device = on_device(host);
  std::vector<LabelQuery> queries;
};

TEST_F(DeviceSearch, AnswersAsOnTheHost) {
  for (const SearchMode mode :
       {SearchMode::kExact, SearchMode::kGreedy, SearchMode::kFull, SearchMode::kSample}) {
    const auto expected = search_labels(host, trie, queries, mode, 10),
               found = search_labels(device, trie, queries, mode, 10);
    for (size_t i = 0; i < queries.size(); ++i) {
      ASSERT_EQ(found[i].best.size(), expected[i].best.size());
      for (size_t j = 0; j < found[i].best.size(); ++j) {
        EXPECT_EQ(found[i].best[j].label, expected[i].best[j].label);
        EXPECT_NEAR(found[i].best[j].log_prob, expected[i].best[j].log_prob, 1e-4);
      }
      EXPECT_NEAR(found[i].log_z_high, expected[i].log_z_high, 1e-4);
    }
  }
  std::vector<std::vector<int32_t>> prompts;
  for (const LabelQuery& query : queries) prompts.push_back(query.prompt);
  const auto expected = LabelSearch(host, trie, {SearchMode::kGreedy}).run_freely(prompts),
             found = LabelSearch(device, trie, {SearchMode::kGreedy}).run_freely(prompts);
  for (size_t i = 0; i < prompts.size(); ++i) EXPECT_EQ(found[i].ids, expected[i].ids);
}

TEST_F(DeviceSearch, ReadsOnceALevel) {
  for (const SearchMode mode : {SearchMode::kFull, SearchMode::kGreedy}) {
    const int64_t before = host_reads();
    search_labels(device, trie, queries, mode, 0);
    EXPECT_LE(host_reads() - before, trie.depth() + 1);
    EXPECT_GT(host_reads() - before, 1);
  }
  LabelSearch search(device, trie, {SearchMode::kGreedy});
  int64_t before = host_reads();
  search.hold_prefix({1, 10});
  EXPECT_EQ(host_reads(), before);
  search.run_freely({{1, 10, 3}, {1, 10, 4}});
  EXPECT_LE(host_reads() - before, trie.depth() + 1);
}

}  // namespace
}  // namespace serendip
