// What the tokenizers' files may say: which is taken, special tokens, unsupported parts.
#include "lm/tokenizer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/check.h"
#include "base/file.h"
#include "lm/bpe_model.h"
#include "lm/sentencepiece_file.h"
#include "lm/sentencepiece_tokenizer.h"
#include "tests/base/temporary_folder.h"
#include "tests/lm/test_data.h"

namespace serendip {
namespace {

using nlohmann::json;
using Ids = std::vector<int32_t>;

// "low" is one token over "lo"; "Ġ" is a space.
json small_tokenizer() {
  return json::parse(R"({
    "added_tokens": [
      {"id": 9, "content": "<end>", "special": true, "normalized": false},
      {"id": 10, "content": "<end>s", "special": false, "normalized": false},
      {"id": 12, "content": "<begin>", "special": true, "normalized": false}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
    "post_processor": null,
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {"l": 0, "o": 1, "w": 2, "Ġ": 3, "e": 4, "r": 5,
              "lo": 6, "low": 7, "Ġlow": 8},
              "merges": ["l o", ["lo", "w"], ["Ġ", "low"]]}})");
}

class TokenizerFolder : public testing::Test {
 protected:
  std::unique_ptr<Tokenizer> load(const json& tokenizer, const json& config = nullptr) {
    write_file(folder / "tokenizer.json", tokenizer.dump());
    if (!config.is_null()) write_file(folder / "tokenizer_config.json", config.dump());
    return load_tokenizer(folder.path());
  }
  // The error of the small tokenizer with `value` at the JSON pointer `place`.
  std::string error_with(const std::string& place, const json& value) {
    json tokenizer = small_tokenizer();
    tokenizer[json::json_pointer(place)] = value;
    std::string error = error_of([&] { load(tokenizer); });
    EXPECT_NE(error.find("tokenizer.json"), std::string::npos) << error;
    return error;
  }
  // A real sentencepiece model as tokenizer.model; false when it is absent.
  bool copy_sentencepiece() {
    const std::filesystem::path source = shared_data("stories260K/tokenizer.model");
    if (!std::filesystem::exists(source)) return false;
    std::filesystem::copy_file(source, folder / "tokenizer.model");
    return true;
  }

  TemporaryFolder folder;
};

TEST_F(TokenizerFolder, MergesInOrderOfRank) {
  const auto tokenizer = load(small_tokenizer());
  EXPECT_EQ(tokenizer->encode("low lower"), (Ids{7, 8, 4, 5}));
  EXPECT_EQ(tokenizer->encode("wolo"), (Ids{2, 1, 6}));
  EXPECT_EQ(tokenizer->decode({7, 8, 4, 5}), "low lower");
  EXPECT_EQ(tokenizer->vocabulary_size(), 13);
  EXPECT_TRUE(tokenizer->prefix_ids.empty());
}

TEST_F(TokenizerFolder, FindsTheLongestAddedToken) {
  const auto tokenizer = load(small_tokenizer());
  EXPECT_EQ(tokenizer->encode("<end>low<end>s<end>"), (Ids{9, 7, 10, 9}));
  EXPECT_EQ(tokenizer->decode({9, 7, 10, 9}), "low<end>s");
}

TEST_F(TokenizerFolder, IdsWithoutATokenAreLeftOut) {
  EXPECT_EQ(load(small_tokenizer())->decode({7, -1, 11, 5000, 8}), "low low");
}

TEST_F(TokenizerFolder, TemplateGivesPrefixAndSuffix) {
  json tokenizer = small_tokenizer();
  tokenizer["post_processor"] = json::parse(R"({"type": "Sequence", "processors": [
      {"type": "ByteLevel"}, {"type": "TemplateProcessing",
       "single": [{"SpecialToken": {"id": "<begin>"}}, {"Sequence": {"id": "A"}},
                  {"SpecialToken": {"id": "<end>"}}],
       "special_tokens": {"<begin>": {"ids": [12]}, "<end>": {"ids": [9]}}}]})");
  const auto loaded = load(tokenizer, {{"add_bos_token", true}, {"bos_token", "<end>"}});
  EXPECT_EQ(loaded->prefix_ids, (Ids{12}));
  EXPECT_EQ(loaded->suffix_ids, (Ids{9}));
}

TEST_F(TokenizerFolder, SettingsGivePrefixWithoutATemplate) {
  json config = {{"add_bos_token", true}, {"bos_token", {{"content", "<begin>"}}}};
  EXPECT_EQ(load(small_tokenizer(), config)->prefix_ids, (Ids{12}));
  config["add_bos_token"] = false;
  EXPECT_TRUE(load(small_tokenizer(), config)->prefix_ids.empty());
  config = {{"add_bos_token", true}, {"bos_token", "<none>"}};
  EXPECT_NE(error_of([&] { load(small_tokenizer(), config); }).find("'<none>'"), std::string::npos);
}

TEST_F(TokenizerFolder, NamesUnsupportedParts) {
  const std::vector<std::tuple<std::string, json, std::string>> cases = {
      {"/normalizer", {{"type", "NFKC"}}, "normalizer \"NFKC\""},
      {"/normalizer", json::parse(R"({"type":"Sequence","normalizers":[{"type":"Strip"}]})"),
       "normalizer \"Strip\""},
      {"/pre_tokenizer",
       json::parse(
           R"({"type":"Sequence","pretokenizers":[{"type":"Whitespace"},{"type":"ByteLevel"}]})"),
       "'Whitespace'"},
      {"/pre_tokenizer", json::parse(R"({"type":"Sequence","pretokenizers":[{"type":"Split",
           "pattern":{"Regex":"a"},"behavior":"Removed"},{"type":"ByteLevel"}]})"),
       "behavior 'Removed'"},
      {"/pre_tokenizer", json::parse(R"({"type":"Sequence","pretokenizers":[{"type":"Split",
           "pattern":{"Regex":"(a"},"behavior":"Isolated"},{"type":"ByteLevel"}]})"),
       "regular expression '(a'"},
      {"/post_processor", {{"type", "BertProcessing"}}, "post_processor 'BertProcessing'"},
      {"/decoder", {{"type", "WordPiece"}}, "decoder \"WordPiece\""},
      {"/model/dropout", 0.1, "'dropout' is 0.1"},
      {"/model/byte_fallback", true, "'byte_fallback'"},
      {"/model/end_of_word_suffix", "</w>", "'end_of_word_suffix'"},
      {"/model/unk_token", "<end>", "'unk_token' is set and byte 0"},
      {"/model/merges/0", "l x", "'x' is not in the vocabulary"},
      {"/model/merges/0", "lo", "expected two tokens"},
      {"/model/vocab/l", -1, "token 'l': expected an id"},
      {"/added_tokens/0/lstrip", true, "added token '<end>': 'lstrip' is true"},
      {"/added_tokens/0/single_word", true, "'single_word' is true"},
      {"/added_tokens/0/id", -2, "id of at least 0"},
      {"/added_tokens/0", 7, "tokenizer.json"},
  };
  for (const auto& [place, value, message] : cases) {
    const std::string error = error_with(place, value);
    EXPECT_NE(error.find(message), std::string::npos) << place << ": " << error;
  }
}

TEST_F(TokenizerFolder, NamesWhatIsMissing) {
  EXPECT_NE(error_of([&] {
              load_tokenizer(folder.path());
            }).find("neither tokenizer.json nor tokenizer.model"),
            std::string::npos);
  EXPECT_NE(error_with("/model", {{"type", "Unigram"}}).find("only BPE is supported"),
            std::string::npos);
}

TEST_F(TokenizerFolder, TakesSentencepieceBesideAnotherKindOfJson) {
  if (!copy_sentencepiece()) GTEST_SKIP() << "stories260K is absent";
  EXPECT_EQ(load({{"model", {{"type", "BPE"}}}})->vocabulary_size(), 512);
  EXPECT_EQ(load(small_tokenizer())->vocabulary_size(), 13);
}

TEST_F(TokenizerFolder, SentencepieceSettings) {
  if (!copy_sentencepiece()) GTEST_SKIP() << "stories260K is absent";
  const auto load_with = [&](const json& config) {
    write_file(folder / "tokenizer_config.json", config.dump());
    return load_tokenizer(folder.path());
  };
  EXPECT_EQ(load_sentencepiece(folder / "tokenizer.model")->prefix_ids, (Ids{1}));
  EXPECT_EQ(load_with(json::object())->prefix_ids, (Ids{1}));
  EXPECT_TRUE(load_with({{"add_bos_token", false}})->prefix_ids.empty());
  EXPECT_EQ(load_with({{"add_eos_token", true}})->suffix_ids, (Ids{2}));
  EXPECT_EQ(load_with({{"bos_token", "</s>"}})->prefix_ids, (Ids{2}));
  EXPECT_NE(error_of([&] {
              load_with({{"bos_token", "<none>"}});
            }).find("'<none>'"),
            std::string::npos);
  EXPECT_NE(error_of([&] {
              load_with({{"added_tokens_decoder", {{"5", {{"content", "<x>"}}}}}});
            }).find("added token '<x>' has id 5"),
            std::string::npos);
  // The space in front of "Once" is part of its piece.
  const Ids once = load_with(json::object())->encode("Once");
  ASSERT_EQ(once.size(), 1u);
  Ids twice = {once[0], 2, once[0]};
  EXPECT_EQ(load_with(json::object())->encode("Once</s>Once"), twice);
  EXPECT_NE(load_with({{"legacy", false}})->encode("Once</s>Once"), twice);
  EXPECT_EQ(load_with({{"legacy", false}})->encode("Once</s> Once").front(), once[0]);
  EXPECT_NE(load_with({{"add_prefix_space", false}, {"legacy", false}})->encode("Once"), once);
}

TEST_F(TokenizerFolder, SentencepieceWithAddedTokens) {
  if (!copy_sentencepiece()) GTEST_SKIP() << "stories260K is absent";
  write_file(folder / "added_tokens.json", R"({"<tool>": 512, "<pad>": 513})");
  write_file(folder / "tokenizer_config.json",
             R"({"added_tokens_decoder": {"513": {"content": "<pad>", "special": true}}})");
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->vocabulary_size(), 514);
  const Ids once = tokenizer->encode("Once");
  const Ids ids = tokenizer->encode("Once<tool>Once<pad>");
  EXPECT_EQ(ids, (Ids{once[0], 512, once[0], 513}));
  EXPECT_EQ(tokenizer->decode(ids), "Once<tool> Once");
}

TEST_F(TokenizerFolder, BrokenSentencepieceModelIsAnError) {
  write_file(folder / "tokenizer.model", "not a model");
  EXPECT_NE(error_of([&] { load_tokenizer(folder.path()); }).find("tokenizer.model: sentencepiece"),
            std::string::npos);
}

TEST_F(TokenizerFolder, EncodesFromSeveralThreads) {
  const auto tokenizer = load(small_tokenizer());
  std::vector<std::thread> threads;
  std::vector<Ids> results(4);
  std::string text;
  for (int i = 0; i < 2000; ++i) text += i % 3 == 0 ? " low" : i % 7 == 0 ? " wolo" : "er ";
  const Ids expected = tokenizer->encode(text);
  for (Ids& result : results) {
    threads.emplace_back([&] { result = tokenizer->encode(text); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Ids& result : results) EXPECT_EQ(result, expected);
}

TEST(TokenBytes, SpellsEveryByte) {
  EXPECT_EQ(token_bytes("Ġlow"), " low");
  EXPECT_EQ(token_bytes("Ċ"), "\n");
  EXPECT_EQ(token_bytes("Ã©"), "é");
  EXPECT_EQ(token_bytes("a b"), "a b");  // a space spells no byte
  EXPECT_EQ(token_bytes("你"), "你");
}

TEST(SentencepieceFile, TellsWhatTheModelIs) {
  const std::filesystem::path path = shared_data("tokenizers/llama2.model");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is absent";
  const std::string model = read_file(path);
  const SentencepieceFacts facts = read_sentencepiece_facts(model);
  EXPECT_TRUE(facts.is_bpe && facts.identity_normalizer && facts.byte_fallback);
  EXPECT_TRUE(facts.plain_pieces);
  EXPECT_FALSE(facts.whitespace_as_suffix);
  EXPECT_FALSE(read_sentencepiece_facts(model.substr(0, model.size() - 1)).is_bpe);
  // A user-defined piece, as its field in the proto: pieces { type: USER_DEFINED }.
  EXPECT_FALSE(read_sentencepiece_facts(model + "\x0a\x02\x18\x04").plain_pieces);
}

}  // namespace
}  // namespace serendip
