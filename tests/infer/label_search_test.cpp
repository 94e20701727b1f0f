#include "infer/label_search.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <map>

#include "base/reproducible.h"
#include "tests/infer/small_language.h"

namespace serendip {
namespace {

constexpr int32_t kTerminator = 2;

const bool kReproducible = (use_reproducible_products(), true);  // before the first product

struct Case {
  size_t labels;
  int64_t k;
  size_t shared = 0;  // tokens that labels begin with, one of three beginnings each
};

// Two scores so near may stand in either order.
constexpr double kNear = 2e-4;

std::vector<std::vector<int32_t>> labels_of(const Case& test) {
  std::vector<std::vector<int32_t>> labels = random_labels(test.labels, 4);
  for (size_t i = 0; i < labels.size() && test.shared > 0; ++i) {
    std::vector<int32_t> beginning(test.shared, 20 + static_cast<int32_t>(i % 3));
    beginning[test.shared / 2] = 8;
    labels[i].insert(labels[i].begin(), beginning.begin(), beginning.end());
  }
  return labels;
}

class LabelSearchTest : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    Random random(9);
    const int count = GetParam().labels > 500 ? 2 : 7;  // the oracle takes its time
    for (int i = 0; i < count; ++i) {
      LabelQuery query;
      query.prompt = {1, 10, static_cast<int32_t>(11 + i / 3)};  // shared prefixes
      for (uint64_t j = random.below(4); j > 0; --j)
        query.prompt.push_back(static_cast<int32_t>(random.below(50)));
      if (GetParam().labels > 2 && i % 2 == 0)
        query.excluded = {static_cast<int32_t>(random.below(GetParam().labels)), 1, 1};
      queries.push_back(query);
    }
  }
  // All allowed labels scored alone, best first.
  std::vector<LabelScore> oracle(const LabelQuery& query) const {
    std::vector<LabelScore> scores;
    for (size_t i = 0; i < labels.size(); ++i) {
      const auto label = static_cast<int32_t>(i);
      if (std::count(query.excluded.begin(), query.excluded.end(), label)) continue;
      scores.push_back({label, score_alone(decoder, query.prompt, labels[i], kTerminator)});
    }
    std::sort(scores.begin(), scores.end(),
              [](const LabelScore& a, const LabelScore& b) { return a.log_prob > b.log_prob; });
    return scores;
  }
  static void expect_same_bits(const LabelSearchResult& a, const LabelSearchResult& b) {
    ASSERT_EQ(a.best.size(), b.best.size());
    for (size_t i = 0; i < a.best.size(); ++i) {
      EXPECT_EQ(a.best[i].label, b.best[i].label);
      EXPECT_EQ(a.best[i].log_prob, b.best[i].log_prob);
    }
    EXPECT_EQ(a.log_z_low, b.log_z_low);
    EXPECT_EQ(a.log_z_high, b.log_z_high);
    EXPECT_EQ(a.expansions, b.expansions);
  }
  static double log_sum(const std::vector<LabelScore>& scores) {
    double total = 0;
    for (const LabelScore& score : scores) total += std::exp(score.log_prob);
    return std::log(total);
  }

  // The labels stand as in the oracle, but for those whose scores are near.
  static void expect_same_order(const std::vector<LabelScore>& found,
                                const std::vector<LabelScore>& expected) {
    std::map<int32_t, double> score_of;
    for (const LabelScore& score : expected) score_of[score.label] = score.log_prob;
    ASSERT_LE(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_NEAR(found[i].log_prob, score_of.at(found[i].label), 1e-4);
      const bool same = found[i].label == expected[i].label;
      EXPECT_TRUE(same || std::abs(score_of.at(found[i].label) - expected[i].log_prob) <= kNear)
          << i;
    }
  }

  const std::vector<std::vector<int32_t>> labels = labels_of(GetParam());
  const LabelTrie trie{labels, kTerminator};
  const Decoder decoder = random_decoder(1);
  std::vector<LabelQuery> queries;
};

TEST_P(LabelSearchTest, FullScoresEveryAllowedLabel) {
  const auto results = search_labels(decoder, trie, queries, SearchMode::kFull, 0);
  for (size_t i = 0; i < queries.size(); ++i) {
    const auto expected = oracle(queries[i]);
    ASSERT_EQ(results[i].best.size(), expected.size());
    expect_same_order(results[i].best, expected);
    EXPECT_NEAR(results[i].log_z_low, log_sum(expected), 1e-4);
    EXPECT_DOUBLE_EQ(results[i].log_z_high, results[i].log_z_low);
  }
}

TEST_P(LabelSearchTest, ExactFindsTheBestWithTrueIntervals) {
  const auto k = static_cast<size_t>(GetParam().k);
  const auto results = search_labels(decoder, trie, queries, SearchMode::kExact, GetParam().k);
  for (size_t i = 0; i < queries.size(); ++i) {
    const auto expected = oracle(queries[i]);
    ASSERT_EQ(results[i].best.size(), std::min(k, expected.size()));
    expect_same_order(results[i].best, expected);
    const double log_z = log_sum(expected);
    for (size_t j = 0; j < results[i].best.size(); ++j) {
      const LabelScore& found = results[i].best[j];
      const double probability = std::exp(expected[j].log_prob - log_z);
      EXPECT_LE(results[i].probability_low(found.log_prob), probability + 1e-4);
      EXPECT_GE(results[i].probability_high(found.log_prob), probability - 1e-4);
    }
  }
}

TEST_P(LabelSearchTest, GreedyTakesTheBestTokenAtEachStep) {
  const auto results = search_labels(decoder, trie, queries, SearchMode::kGreedy, 1);
  for (size_t i = 0; i < queries.size(); ++i) {
    const LabelScore& found = results[i].best.at(0);
    EXPECT_EQ(std::count(queries[i].excluded.begin(), queries[i].excluded.end(), found.label), 0);
    EXPECT_NEAR(found.log_prob,
                score_alone(decoder, queries[i].prompt, labels[static_cast<size_t>(found.label)],
                            kTerminator),
                1e-4);
  }
}

TEST_P(LabelSearchTest, AnswersDoNotDependOnCompany) {
  const auto together = search_labels(decoder, trie, queries, SearchMode::kExact, GetParam().k);
  for (size_t i = 0; i < queries.size(); ++i) {
    const auto alone = search_labels(decoder, trie, {queries[i]}, SearchMode::kExact, GetParam().k);
    ASSERT_EQ(alone[0].best.size(), together[i].best.size());
    for (size_t j = 0; j < alone[0].best.size(); ++j)
      EXPECT_EQ(alone[0].best[j].label, together[i].best[j].label);
  }
}

// To the bit, whatever comes together, with a held prefix or without.
TEST_P(LabelSearchTest, BitsDoNotDependOnCompanyNorOnTheHeldPrefix) {
  for (const SearchMode mode : {SearchMode::kExact, SearchMode::kGreedy, SearchMode::kFull}) {
    const SearchSettings settings{mode, mode == SearchMode::kFull ? 0 : GetParam().k, 0.01};
    LabelSearch apart(decoder, trie, settings), together(decoder, trie, settings);
    together.hold_prefix({1, 10});
    std::vector<LabelQuery> longer = queries;
    for (LabelQuery& query : longer) query.prompt.push_back(7);
    const auto expected = together.run(longer);
    const auto again = together.run({longer[1], longer[0]});
    for (size_t i = 0; i < longer.size(); ++i) {
      const auto alone = apart.run({longer[i]});
      expect_same_bits(alone[0], expected[i]);
      if (i == 0) expect_same_bits(alone[0], again[1]);
      if (i == 1) expect_same_bits(alone[0], again[0]);
    }
    EXPECT_LT(together.computed_tokens(), 2 * apart.computed_tokens());
  }
}

TEST_P(LabelSearchTest, ExactGoesOnUntilIntervalsAreAsNarrowAsAsked) {
  int64_t expansions = 0;
  for (const double tolerance : {1.0, 0.05, 0.001, 0.0}) {
    LabelSearch search(decoder, trie, {SearchMode::kExact, GetParam().k, tolerance});
    const auto results = search.run(queries);
    int64_t total = 0;
    for (size_t i = 0; i < queries.size(); ++i) {
      const double log_z = log_sum(oracle(queries[i]));
      total += results[i].expansions;
      for (const LabelScore& found : results[i].best) {
        const double low = results[i].probability_low(found.log_prob),
                     high = results[i].probability_high(found.log_prob);
        EXPECT_LE(high - low, tolerance + 1e-12);
        EXPECT_GT(std::exp(found.log_prob - log_z), low - 1e-4);
        EXPECT_LT(std::exp(found.log_prob - log_z), high + 1e-4);
      }
    }
    EXPECT_GE(total, expansions);
    expansions = total;
  }
}

// 4,000 draws a query: shares within four standard errors of the closed-set probabilities.
TEST_P(LabelSearchTest, SamplesFollowTheClosedSet) {
  constexpr int64_t kDraws = 4000;
  LabelSearch search(decoder, trie, {SearchMode::kSample, kDraws, 1, 5});
  std::vector<LabelQuery> some = {queries[0], queries[queries.size() > 4 ? 4 : 1]};
  some[1].stream = 1;
  const auto results = search.run(some);
  for (size_t i = 0; i < some.size(); ++i) {
    const auto expected = oracle(some[i]);
    ASSERT_EQ(results[i].best.size(), expected.empty() ? 0u : static_cast<size_t>(kDraws));
    std::map<int32_t, int64_t> counts;
    for (const LabelScore& draw : results[i].best) ++counts[draw.label];
    for (const LabelScore& label : expected) {
      const double probability = std::exp(label.log_prob - log_sum(expected));
      const double error = std::sqrt(probability * (1 - probability) / kDraws);
      EXPECT_NEAR(static_cast<double>(counts[label.label]) / kDraws, probability,
                  4 * error + 1.0 / kDraws)
          << label.label;
      counts.erase(label.label);
    }
    EXPECT_TRUE(counts.empty());  // nothing excluded, nothing unknown
  }
}

TEST_P(LabelSearchTest, DrawsDependOnSeedAndStreamAlone) {
  const auto draws = [&](uint64_t seed, uint64_t stream, bool with_others) {
    std::vector<LabelQuery> asked = {queries[1]};
    asked[0].stream = stream;
    if (with_others) asked.insert(asked.end(), queries.begin(), queries.end());
    const auto results = LabelSearch(decoder, trie, {SearchMode::kSample, 30, 1, seed}).run(asked);
    std::vector<int32_t> labels;
    for (const LabelScore& draw : results[0].best) labels.push_back(draw.label);
    return labels;
  };
  EXPECT_EQ(draws(1, 2, false), draws(1, 2, true));
  if (GetParam().labels < 60 || GetParam().shared > 0) return;  // one label has all the mass
  EXPECT_NE(draws(1, 2, false), draws(2, 2, false));
  EXPECT_NE(draws(1, 2, false), draws(1, 3, false));
}

INSTANTIATE_TEST_SUITE_P(Tries, LabelSearchTest,
                         testing::Values(Case{1, 1}, Case{2, 3}, Case{60, 1}, Case{60, 10},
                                         Case{400, 10}, Case{761, 10}, Case{5000, 10},
                                         Case{400, 10, 24}),
                         [](const auto& info) {
                           return fmt::format("Labels{}Best{}Shared{}", info.param.labels,
                                              info.param.k, info.param.shared);
                         });

TEST(LabelTrie, AllowsUnlessEveryLabelBelowIsExcluded) {
  const LabelTrie trie({{5, 6}, {5, 7}, {8}}, kTerminator);
  const int32_t five = trie.node(LabelTrie::kRoot).children[0];
  EXPECT_EQ(trie.node(five).token, 5);
  EXPECT_TRUE(trie.allows(five, std::vector<int32_t>{0}));
  EXPECT_TRUE(trie.allows(five, std::vector<int32_t>{0, 0, 2}));
  EXPECT_FALSE(trie.allows(five, std::vector<int32_t>{1, 0}));
  EXPECT_EQ(trie.depth(), 2);
}

TEST(FreeSearch, StopsAtTheTerminatorOrTheLongestLabel) {
  const Decoder decoder = random_decoder(1);
  const std::vector<std::vector<int32_t>> prompts = {{1, 4}, {1, 5, 6}, {1, 4}};
  const LabelTrie trie({{3, 4, 5, 6, 7}, {3}}, kTerminator);
  const auto answers = LabelSearch(decoder, trie, {SearchMode::kGreedy}).run_freely(prompts);
  EXPECT_EQ(answers[0].ids, answers[2].ids);
  for (size_t i = 0; i < prompts.size(); ++i) {
    const FreeAnswer& answer = answers[i];
    std::vector<int32_t> ids = prompts[i];
    double sum = 0;
    torch::NoGradGuard no_grad;
    for (size_t j = 0; j <= answer.ids.size(); ++j) {
      TokenTree tree;
      tree.add_chain(TokenTree::kNoParent, ids);
      const auto log_prob =
          torch::log_softmax(decoder.logits(decoder.forward(tree, 0, tree.size()))[-1], 0);
      const auto next = log_prob.argmax().item<int32_t>();
      sum += log_prob[next].item<double>();
      if (j == answer.ids.size()) {
        EXPECT_EQ(answer.ended, next == kTerminator);
        EXPECT_TRUE(answer.ended || j == 5);
      } else {
        EXPECT_EQ(answer.ids[j], next);
      }
      ids.push_back(next);
    }
    EXPECT_NEAR(answer.log_prob, sum, 1e-4);
  }
}

}  // namespace
}  // namespace serendip
