#include "report/pair_section.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/report/small_run.h"

namespace serendip {
namespace {

std::vector<uint8_t> decoded(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<uint8_t> bytes;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<uint32_t>(digits.find(c));
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes.push_back(static_cast<uint8_t>(bits >> held));
  }
  return bytes;
}

std::vector<int32_t> decoded_pairs(const std::string& text) {
  const std::vector<uint8_t> bytes = decoded(text);
  std::vector<int32_t> values;
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) values.push_back(bytes[i] | bytes[i + 1] << 8);
  return values;
}

TEST(PairSection, HoldsTheTablesLabelsAndRoundedLogProbabilities) {
  const PairTable table = small_pair_table(300, 4);
  const nlohmann::json encoded = encode_pairs(table, 3, {});
  const std::vector<int32_t> labels = decoded_pairs(encoded.at("label"));
  const std::vector<uint8_t> steps = decoded(encoded.at("log_prob"));
  ASSERT_EQ(labels.size(), static_cast<size_t>(table.rows() * 3));
  ASSERT_EQ(steps.size(), labels.size());
  for (size_t at = 0; at < labels.size(); ++at) {
    const size_t entry = at / 3 * 4 + at % 3;
    if (table.label[entry] == PairTable::kNoLabel) {
      ASSERT_EQ(labels[at], kNoPairLabel) << at;
      continue;
    }
    ASSERT_EQ(labels[at], table.label[entry]) << at;
    if (steps[at] < kLastStep)
      ASSERT_NEAR(-steps[at] / kStepsANat, table.log_prob[entry], 0.5 / kStepsANat + 1e-6) << at;
    else
      ASSERT_LE(table.log_prob[entry], -(kLastStep - 0.5) / kStepsANat) << at;
  }
  EXPECT_FALSE(encoded.contains("context"));
}

TEST(PairSection, HoldsListedContexts) {
  PairTable table = small_pair_table(2, 1);  // 4 rows
  table.contexts = ContextList::listed(300, 3, {1, 2, 299, 0, 0, 7, 5, 5, 5, 256, 1, 2});
  const nlohmann::json encoded = encode_pairs(table, 1, {});
  EXPECT_EQ(decoded_pairs(encoded.at("context")), table.contexts.contexts());
  EXPECT_EQ(encoded.at("context_size"), 3);
}

TEST(PairSection, ShowsFewerLabelsOfLargerTables) {
  const auto shown = [](int64_t clusters, int64_t k) {
    PairTable table;
    table.contexts = ContextList::all(clusters, 2);
    table.k = k;
    return pair_labels_shown(table);
  };
  EXPECT_EQ(shown(761, 10), 3);
  EXPECT_EQ(shown(761, 1), 1);
  EXPECT_EQ(shown(1100, 10), 2);
  EXPECT_EQ(shown(1600, 10), 1);
  EXPECT_EQ(shown(4000, 10), 0);
}

}  // namespace
}  // namespace serendip
