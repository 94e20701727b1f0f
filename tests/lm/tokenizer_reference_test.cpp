// Token ids and decoded texts equal those of `sentencepiece` and `tokenizers`, made at test time.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lm/json_file.h"
#include "lm/tokenizer.h"
#include "tests/base/temporary_folder.h"
#include "tests/lm/test_data.h"

namespace serendip {
namespace {

struct Case {
  std::string name, kind;
  // Below the shared data or, for a name that begins with ".cache", the source folder.
  std::string source;
};

class TokenizerReference : public testing::TestWithParam<Case> {};

TEST_P(TokenizerReference, SameIdsAndTexts) {
  const Case& param = GetParam();
  std::filesystem::path source;
  if (!param.source.empty()) {
    source = param.source.starts_with(".cache") ? source_folder() / param.source
                                                : shared_data(param.source);
    if (!std::filesystem::exists(source)) GTEST_SKIP() << source << " is absent";
  }
  const TemporaryFolder folder;
  const int status = run_python("tests/lm/reference_tokens.py " + param.kind + " '" +
                                source.string() + "' '" + folder.path().string() + "'");
  if (status == 77 || status == 127) GTEST_SKIP() << "the reference Python modules are absent";
  ASSERT_EQ(status, 0);

  const nlohmann::json reference = read_json_object(folder / "reference.json");
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->vocabulary_size(), reference.at("size"));
  EXPECT_EQ(tokenizer->prefix_ids, reference.at("prefix").get<std::vector<int32_t>>());
  EXPECT_TRUE(tokenizer->suffix_ids.empty());
  const nlohmann::json& texts = reference.at("texts");
  ASSERT_GT(texts.size(), 2000u);
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(tokenizer->encode(texts[i].get<std::string>()),
              reference.at("ids")[i].get<std::vector<int32_t>>())
        << texts[i];
  }
  const nlohmann::json& to_decode = reference.at("to_decode");
  for (size_t i = 0; i < to_decode.size(); ++i) {
    EXPECT_EQ(tokenizer->decode(to_decode[i].get<std::vector<int32_t>>()),
              reference.at("decoded")[i].get<std::string>())
        << to_decode[i];
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, TokenizerReference,
    testing::Values(Case{"stories260K", "sentencepiece", "stories260K/tokenizer.model"},
                    Case{"llama2", "sentencepiece", "tokenizers/llama2.model"},
                    Case{"unigram_style", "unigram", ""},
                    Case{"mistral_v1", "sentencepiece", "tokenizers/mistral_v1.model"},
                    Case{"llama2_json", "llama", "tokenizers/llama2.model"},
                    Case{"llama2_metaspace", "metaspace", "tokenizers/llama2.model"},
                    Case{"mistral_json", "llama", "tokenizers/mistral_v1.model"},
                    Case{"gemma_style", "gemma", "tokenizers/mistral_v1.model"},
                    Case{"stories260K_json", "metaspace", "stories260K/tokenizer.model"},
                    Case{"SmolLM2", "json", ".cache/models/SmolLM2-135M-Instruct/tokenizer.json"},
                    Case{"gpt2_style", "gpt2", ""}, Case{"prefix_space_style", "prefix_space", ""},
                    Case{"smollm_style", "smollm", ""}, Case{"qwen2_style", "qwen2", ""},
                    Case{"llama3_style", "llama3", ""}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace serendip
