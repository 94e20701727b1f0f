// The label search with its model on a device: the same answers, one read of the device for a level
// of the trie, and the rest of a level the same work every time.
#include "infer/device_search.h"

#include <gtest/gtest.h>

#include <map>

#include "distributed/device.h"
#include "infer/label_search.h"
#include "lm/attention.h"
#include "tests/infer/small_language.h"
#include "tests/infer/strict_device.h"

namespace serendip {
namespace {

constexpr int32_t kTerminator = 2;

Decoder on_device(Decoder decoder, torch::Device device = strict_device()) {
  decoder.for_each_weight(
      [&](const std::string&, torch::Tensor& weight) { weight = weight.to(device); });
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

TEST(StrictDevice, ReplaysWhatWasRecorded) {
  const torch::Tensor numbers = torch::arange(4, torch::kFloat32).to(strict_device());
  const std::unique_ptr<WorkGraph> graph = make_strict_graph(strict_device());
  float factor = 2;
  const auto scale = [&] { numbers.copy_(torch::where(numbers > 1, numbers * factor, -1)); };
  graph->run(scale);  // -1 -1 4 6
  graph->run(scale);  // recorded: -1 -1 8 12
  factor = 100;
  const int64_t before = graph_replays();
  graph->run(scale);
  EXPECT_EQ(graph_replays(), before + 1);
  EXPECT_TRUE(torch::equal(numbers.to(torch::kCPU), torch::tensor({-1.F, -1.F, 16.F, 24.F})));

  const std::vector<std::function<void()>> not_allowed = {
      [&] { numbers.to(torch::kCPU); }, [&] { numbers[0].item<float>(); },
      [&] { torch::ones({1}).to(strict_device()); }, [&] { torch::nonzero(numbers); }};
  for (const auto& work : not_allowed) {
    const std::unique_ptr<WorkGraph> other = make_strict_graph(strict_device());
    other->run(work);
    EXPECT_THROW(other->run(work), c10::Error);
  }
}

struct Questions {
  explicit Questions(size_t label_count = 60) : trie(random_labels(label_count, 4), kTerminator) {
    for (int32_t i = 0; i < 5; ++i) queries.push_back({{1, 10, 11 + i / 2, i}, {i, 7}});
  }

  LabelTrie trie;
  std::vector<LabelQuery> queries;
};

void expect_same(const std::vector<LabelSearchResult>& found,
                 const std::vector<LabelSearchResult>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    SCOPED_TRACE(i);
    ASSERT_EQ(found[i].best.size(), expected[i].best.size());
    std::map<int32_t, double> log_prob;
    for (const LabelScore& score : expected[i].best) log_prob[score.label] = score.log_prob;
    for (size_t j = 0; j < found[i].best.size(); ++j) {
      const LabelScore& score = found[i].best[j];
      EXPECT_NEAR(score.log_prob, expected[i].best[j].log_prob, 1e-4);
      // Another label only where rounding decides.
      ASSERT_TRUE(log_prob.contains(score.label));
      EXPECT_NEAR(score.log_prob, log_prob[score.label], 1e-4);
    }
    const auto mass = [](double log_z) { return std::max(log_z, -1e9); };  // of nothing, finite
    EXPECT_NEAR(mass(found[i].log_z_low), mass(expected[i].log_z_low), 1e-4);
    EXPECT_NEAR(mass(found[i].log_z_high), mass(expected[i].log_z_high), 1e-4);
    EXPECT_EQ(found[i].expansions, expected[i].expansions);
  }
}

// A search on the device whose graphs are recorded and replayed.
struct Recorded {
  Recorded(const Decoder& decoder, const LabelTrie& trie, const SearchSettings& settings,
           int64_t rows_per_pass = 512)
      : tree(decoder), search(decoder, trie, tree, settings, make_strict_graph, rows_per_pass) {}

  GrowingTree tree;
  DeviceSearch search;
};

const std::vector<SearchSettings> kSettings = {
    {SearchMode::kExact, 10}, {SearchMode::kExact, 1},   {SearchMode::kExact, 10, 0.01},
    {SearchMode::kExact, 70}, {SearchMode::kGreedy, 10}, {SearchMode::kFull, 10},
    {SearchMode::kFull, 0},   {SearchMode::kSample, 10}};

TEST(SearchOnDevice, AnswersAsOnTheHost) {
  const Questions ask;
  const Decoder host = random_decoder(1), device = on_device(host);
  for (const SearchSettings& settings : kSettings) {
    SCOPED_TRACE(static_cast<int>(settings.mode));
    expect_same(LabelSearch(device, ask.trie, settings).run(ask.queries),
                LabelSearch(host, ask.trie, settings).run(ask.queries));
  }
  std::vector<std::vector<int32_t>> prompts;
  for (const LabelQuery& query : ask.queries) prompts.push_back(query.prompt);
  const auto expected = LabelSearch(host, ask.trie, {SearchMode::kGreedy}).run_freely(prompts),
             found = LabelSearch(device, ask.trie, {SearchMode::kGreedy}).run_freely(prompts);
  for (size_t i = 0; i < prompts.size(); ++i) EXPECT_EQ(found[i].ids, expected[i].ids);
}

TEST(SearchOnDevice, ReplaysItsWorkForOtherQueries) {
  const Questions ask;
  Decoder host = random_decoder(2);
  host.config.sliding_layers = {true, false};
  host.config.sliding_attention.window = 3;
  host.config.attention_softcap = 3;
  const Decoder device = on_device(host);
  for (const SearchSettings& settings : kSettings) {
    if (settings.mode == SearchMode::kSample) continue;
    SCOPED_TRACE(static_cast<int>(settings.mode));
    Recorded recorded(device, ask.trie, settings);
    LabelSearch expected(host, ask.trie, settings);
    const int64_t before = graph_replays();
    for (int32_t band = 0; band < 5; ++band) {
      recorded.tree.hold_prefix({1, 20 + band});
      expected.hold_prefix({1, 20 + band});
      std::vector<LabelQuery> queries;  // a shorter batch comes third, a longer prompt last
      for (int32_t i = 0; i < (band == 2 ? 2 : 5); ++i)
        queries.push_back({{1, 20 + band, 10 + i}, {band, i}});
      if (band == 4) queries[0].prompt.insert(queries[0].prompt.end(), {7, 8, 9});
      expect_same(recorded.search.run(queries), expected.run(queries));
    }
    EXPECT_EQ(recorded.search.computed_tokens() + recorded.tree.computed_tokens(),
              expected.computed_tokens());
    EXPECT_GT(graph_replays(), before + 5);
  }
}

// The same with CUDA's graphs, its attention kernel and its memory.
TEST(SearchOnDevice, gpu_AnswersAsOnTheHost) {
  if (!has_gpu()) GTEST_SKIP() << "gpu: no CUDA device";
  const Questions ask(761);
  const Decoder host = random_decoder(1), device = on_device(host, torch::Device("cuda:0"));
  for (const SearchSettings& settings : kSettings) {
    SCOPED_TRACE(static_cast<int>(settings.mode));
    LabelSearch search(device, ask.trie, settings), expected(host, ask.trie, settings);
    for (int32_t band = 0; band < 5; ++band) {
      search.hold_prefix({1, 10, band});
      expected.hold_prefix({1, 10, band});
      std::vector<LabelQuery> queries;
      for (int32_t i = 0; i < 5; ++i) queries.push_back({{1, 10, band, 10 + i}, {band, i}});
      expect_same(search.run(queries), expected.run(queries));
    }
  }
}

TEST(SearchOnDevice, ReadsOnceALevel) {
  const Questions ask;
  const Decoder device = on_device(random_decoder(1));
  for (const SearchMode mode : {SearchMode::kFull, SearchMode::kGreedy}) {
    const int64_t before = host_reads();
    search_labels(device, ask.trie, ask.queries, mode, 0);
    // At the root, at every level below and, at the end, the answers.
    EXPECT_LE(host_reads() - before, ask.trie.depth() + 2);
    EXPECT_GT(host_reads() - before, 2);
  }
  // What a level's passes say is read by the next level alone: an exact search of k = 1 expands a
  // node a query and level.
  const int64_t before = host_reads();
  const auto results = search_labels(device, ask.trie, ask.queries, SearchMode::kExact, 1);
  int64_t most = 0;
  for (const LabelSearchResult& result : results) most = std::max(most, result.expansions);
  EXPECT_EQ(host_reads() - before, most + 1);

  LabelSearch search(device, ask.trie, {SearchMode::kGreedy});
  const int64_t then = host_reads();
  search.hold_prefix({1, 10});
  EXPECT_EQ(host_reads(), then);
  search.run_freely({{1, 10, 3}, {1, 10, 4}});
  EXPECT_LE(host_reads() - then, ask.trie.depth() + 1);
}

TEST(SearchOnDevice, TakesSeveralPassesALevel) {
  const Questions ask(300);
  const Decoder host = random_decoder(3), device = on_device(host);
  const SearchSettings settings{SearchMode::kFull, 0};
  constexpr int64_t kRowsPerPass = 100;
  Recorded recorded(device, ask.trie, settings, kRowsPerPass);
  LabelSearch expected(host, ask.trie, settings);
  for (int repeat = 0; repeat < 3; ++repeat)
    expect_same(recorded.search.run(ask.queries), expected.run(ask.queries));
  EXPECT_GT(recorded.search.computed_tokens(), 3 * (ask.trie.depth() + 2) * kRowsPerPass);
}

TEST(SearchOnDevice, SaysWhenItsTreeIsTooLarge) {
  const Questions ask;
  const Decoder device = on_device(random_decoder(1));
  SearchSettings settings{SearchMode::kFull, 0};
  Recorded recorded(device, ask.trie, settings);
  recorded.search.run(ask.queries);
  const int64_t nodes = recorded.search.computed_tokens() + recorded.tree.computed_tokens();
  settings.max_nodes = nodes - 1;
  LabelSearch search(device, ask.trie, settings);
  EXPECT_THROW(search.run(ask.queries), SearchOverflow);
  // Half of them fit, in what the failed search has left.
  expect_same(search.run({ask.queries.begin(), ask.queries.begin() + 2}),
              LabelSearch(device, ask.trie, {SearchMode::kFull, 0})
                  .run({ask.queries.begin(), ask.queries.begin() + 2}));
}

TEST(SearchOnDevice, ManyLabels) {
  const Decoder host = random_decoder(5), device = on_device(host);
  for (const size_t labels : {size_t{1}, size_t{2}, size_t{761}, size_t{5000}}) {
    SCOPED_TRACE(labels);
    const LabelTrie trie(random_labels(labels, 6), kTerminator);
    const std::vector<LabelQuery> queries = {{{1, 10, 11}, {0}}, {{1, 10, 12}, {}}};
    expect_same(search_labels(device, trie, queries, SearchMode::kExact, 10),
                search_labels(host, trie, queries, SearchMode::kExact, 10));
  }
}

}  // namespace
}  // namespace serendip
