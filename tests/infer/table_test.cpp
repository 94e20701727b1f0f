#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "infer/band_store.h"
#include "infer/interest_language.h"
#include "infer/label_distribution.h"
#include "infer/pair_table.h"
#include "infer/table_export.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

PairTable small_table() {
  PairTable table;
  table.contexts = ContextList::all(2, 2);
  table.k = 2;
  table.label = {1, -1, 0, 1, 1, 0, 0, -1};
  table.log_prob = {-1, -INFINITY, -1, -2, -1, -2, -3, -INFINITY};
  table.probability_low = {1, 0, .6F, .3F, .6F, .3F, 1, 0};
  table.probability_high = {1, 0, .7F, .4F, .7F, .4F, 1, 0};
  table.hashes = {{"model", "abc"}};
  return table;
}

TEST(PairTable, RoundTrip) {
  TemporaryFolder folder;
  save_pair_table(small_table(), folder / "table.h5");
  const PairTable table = load_pair_table(folder / "table.h5");
  EXPECT_EQ(table.label, small_table().label);
  EXPECT_EQ(table.log_prob, small_table().log_prob);
  EXPECT_EQ(table.contexts, ContextList::all(2, 2));
  EXPECT_EQ(table.hashes.at("model"), "abc");
}

TEST(PairTable, ListedContextsOfThree) {
  const TemporaryFolder folder;
  PairTable table = small_table();
  table.contexts = ContextList::listed(2, 3, {1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0});
  save_pair_table(table, folder / "table.h5");
  const PairTable loaded = load_pair_table(folder / "table.h5");
  EXPECT_EQ(loaded.contexts, table.contexts);
  EXPECT_EQ(loaded.label, table.label);
  export_table(loaded, {}, folder / "table.csv");
  EXPECT_NE(read_file(folder / "table.csv").find("\n1,0,1,1,1,-1,0.6,0.7\n"), std::string::npos)
      << read_file(folder / "table.csv");
  // All of another K than 2 are listed.
  table.contexts = ContextList::all(4, 1);
  save_pair_table(table, folder / "singles.h5");
  EXPECT_EQ(load_pair_table(folder / "singles.h5").contexts,
            ContextList::listed(4, 1, {0, 1, 2, 3}));
}

TEST(PairTable, ATableForOtherDescriptionsIsRefused) {
  PairTable table = small_table();
  check_descriptions(table, {"a", "b"}, "table.h5");  // says nothing of them
  table.hashes["descriptions"] = descriptions_hash({"a", "b"});
  check_descriptions(table, {"a", "b"}, "table.h5");
  EXPECT_TRUE(error_of([&] {
                check_descriptions(table, {"a", "c"}, "table.h5");
              }).starts_with("table.h5: expected a table for the descriptions "));
  EXPECT_EQ(error_of([&] { check_descriptions(table, {"a"}, "table.h5"); }),
            "table.h5: expected a table of 1 clusters, got 2; run `serendip generate` again");
}

TEST(PairTable, DistributionOfBestLabels) {
  const LabelDistribution distribution = label_distribution(small_table());  // 1, 0, 1, 0
  EXPECT_EQ(distribution.count, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(distribution.rows, 4);
  EXPECT_DOUBLE_EQ(distribution.top_percent_share, 0.5);
  EXPECT_EQ(distribution.json().at("never"), 0);
  EXPECT_EQ(distribution.distinct, 2);
  EXPECT_DOUBLE_EQ(distribution.entropy_bits, 1);
  EXPECT_DOUBLE_EQ(distribution.largest_share, 0.5);
}

Band band_of(int32_t value) { return {{value, value}, {1.F, 2.F}, {.1F, .2F}, {.3F, .4F}}; }

TEST(PairTable, ComparesTablesOfTheSameContexts) {
  PairTable other = small_table();
  other.label = {1, -1, 1, 0, 1, 0, 1, -1};
  const nlohmann::json same = compare_tables(small_table(), small_table());
  EXPECT_EQ(same.at("same_best"), 1.0);
  EXPECT_EQ(same.at("common_labels"), 0.75);  // of two rows one label is there
  EXPECT_EQ(same.at("total_variation"), 0.0);
  const nlohmann::json differs = compare_tables(small_table(), other);
  EXPECT_EQ(differs.at("same_best"), 0.5);
  EXPECT_EQ(differs.at("common_labels"), 5 / 8.0);
  EXPECT_EQ(differs.at("total_variation"), 0.5);
  other.contexts = ContextList::listed(2, 2, {0, 1, 1, 1});
  other.label.resize(4);
  EXPECT_EQ(error_of([&] { compare_tables(small_table(), other); }),
            "tables: expected the same contexts, got 4 rows of 2 clusters and 2 of 2");
}

std::set<int32_t> done_of(const TemporaryFolder& folder, const std::string& key) {
  return BandStore(folder.path(), key, 2, 9).done();
}

TEST(BandStore, KeepsWholeBandsOfTheSameKeyFromAllProcesses) {
  TemporaryFolder folder;
  BandStore first(folder.path(), "key", 2, 0), second(folder.path(), "key", 2, 1);
  first.append(3, band_of(7));
  second.append(0, band_of(8));
  EXPECT_EQ(done_of(folder, "key"), (std::set<int32_t>{0, 3}));
  EXPECT_EQ(first.done(), (std::set<int32_t>{3}));
  EXPECT_EQ(first.read().at(0).label, band_of(8).label);
  EXPECT_EQ(first.read().at(3).probability_high, band_of(7).probability_high);
  EXPECT_TRUE(done_of(folder, "other").empty());
}

// As a kill in the middle of a write leaves it.
TEST(BandStore, ATornRecordIsCutOff) {
  TemporaryFolder folder;
  const auto path = folder / "rank_0.records";
  {
    BandStore store(folder.path(), "key", 2);
    store.append(3, band_of(7));
    store.append(0, band_of(8));
  }
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 5);
  EXPECT_EQ(done_of(folder, "key"), (std::set<int32_t>{3}));
  BandStore store(folder.path(), "key", 2);
  store.append(0, band_of(9));
  EXPECT_EQ(store.read().at(0).label, band_of(9).label);
}

TEST(BandStore, ACorruptRecordCostsItsBandAlone) {
  TemporaryFolder folder;
  const auto path = folder / "rank_0.records";
  {
    BandStore store(folder.path(), "key", 2);
    for (const int32_t c1 : {3, 0, 1}) store.append(c1, band_of(c1));
  }
  std::string bytes = read_file(path);
  bytes[bytes.size() - 50] = static_cast<char>(bytes[bytes.size() - 50] ^ 1);  // of the second
  write_file(path, bytes);
  BandStore store(folder.path(), "key", 2);
  EXPECT_EQ(store.done(), (std::set<int32_t>{1, 3}));
  store.append(0, band_of(5));
  EXPECT_EQ(store.read().at(0).label, band_of(5).label);
}

// Splits at spaces; ids are the words' order of appearance, id 0 is the terminator's.
class WordTokenizer : public Tokenizer {
 public:
  std::vector<int32_t> encode(std::string_view text) const override {
    std::vector<int32_t> ids;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find(' ', begin), text.size());
      const std::string word(text.substr(begin, end - begin));
      if (!word.empty()) {
        const auto found = std::find(words_.begin(), words_.end(), word);
        ids.push_back(static_cast<int32_t>(found - words_.begin()));
        if (found == words_.end()) words_.push_back(word);
      }
      begin = end + 1;
    }
    return ids;
  }
  std::string decode(const std::vector<int32_t>& ids) const override {
    std::string text;
    for (const int32_t id : ids)
      text += (text.empty() ? "" : " ") + words_[static_cast<size_t>(id)];
    return text;
  }
  int64_t vocabulary_size() const override { return static_cast<int64_t>(words_.size()); }

 private:
  mutable std::vector<std::string> words_ = {"<end>"};
};

class InterestLanguageTest : public testing::Test {
 protected:
  InterestLanguageTest() { config.eos_token_id = {0}; }
  std::string refusal(const std::string& prompt_template, const std::vector<std::string>& texts) {
    return error_of([&] { make_interest_language(tokenizer, config, prompt_template, texts); });
  }
  WordTokenizer tokenizer;
  ModelConfig config;
};

TEST_F(InterestLanguageTest, JoinsPiecesAsIds) {
  const auto language =
      make_interest_language(tokenizer, config, "after {1} and {2} comes", {"red cars", "jazz"});
  EXPECT_EQ(language.context_size(), 2);
  EXPECT_EQ(tokenizer.decode(language.prompt(std::vector<int32_t>{1, 0})),
            "after jazz and red cars comes");
}

TEST_F(InterestLanguageTest, RefusesDescriptionsThatCannotBeTold) {
  EXPECT_NE(refusal("{1} {2}", {"jazz", "cars", "jazz"})
                .find("clusters 0 and 2 have the same description \"jazz\""),
            std::string::npos);
  EXPECT_NE(refusal("{1} {2}", {"jazz", "red  cars"}).find("decodes to \"red cars\""),
            std::string::npos);
  EXPECT_NE(refusal("{1} {2}", {"jazz", "red cars", "red  cars"}).find("same token ids"),
            std::string::npos);
  EXPECT_NE(refusal("{1} {2}", {"the <end>"}).find("contains the terminator 0"), std::string::npos);
}

TEST_F(InterestLanguageTest, RefusesTemplatesWithoutPlaces) {
  for (const char* text : {"no places", "{2} only", "{1} and {1} {2}", "{2} {1}", "{1} {3}"})
    EXPECT_NE(refusal(text, {"jazz"}).find("model.template"), std::string::npos) << text;
}

}  // namespace
}  // namespace serendip
