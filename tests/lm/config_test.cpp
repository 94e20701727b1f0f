#include "lm/config.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "tests/base/temporary_folder.h"
#include "tests/lm/test_data.h"

namespace serendip {
namespace {

using nlohmann::json;

json small_config() {
  return {{"model_type", "llama"},    {"vocab_size", 100},          {"hidden_size", 16},
          {"intermediate_size", 24},  {"num_hidden_layers", 2},     {"num_attention_heads", 4},
          {"num_key_value_heads", 2}, {"rms_norm_eps", 1e-6},       {"max_position_embeddings", 64},
          {"bos_token_id", 1},        {"eos_token_id", {2, 3}},     {"rope_theta", 5000.0},
          {"torch_dtype", "float32"}, {"tie_word_embeddings", true}};
}

ModelConfig load(const json& config, const json& generation = nullptr) {
  const TemporaryFolder folder;
  write_file(folder / "config.json", config.dump());
  if (!generation.is_null()) write_file(folder / "generation_config.json", generation.dump());
  return load_model_config(folder.path());
}

TEST(ModelConfig, ReadsEveryField) {
  const ModelConfig config = load(small_config());
  EXPECT_EQ(config.model_type, "llama");
  EXPECT_EQ(config.vocab_size, 100);
  EXPECT_EQ(config.head_dim, 4);
  EXPECT_EQ(config.num_key_value_heads, 2);
  EXPECT_EQ(config.max_position_embeddings, 64);
  EXPECT_EQ(config.rms_norm_eps, 1e-6);
  EXPECT_EQ(config.full_attention.rope.theta, 5000.0);
  EXPECT_TRUE(config.tie_word_embeddings);
  EXPECT_EQ(config.bos_token_id, 1);
  EXPECT_EQ(config.eos_token_id, (std::vector<int64_t>{2, 3}));
}

TEST(ModelConfig, CountsParametersAndOperations) {
  json values = small_config();
  // A layer: q and o 16×16 each, k and v 16×8 each, three of 16×24; two norms of 16.
  const int64_t matrices = 2 * 256 + 2 * 128 + 3 * 384;
  EXPECT_EQ(load(values).parameter_count(), 1600 + 2 * (matrices + 32) + 16);
  EXPECT_EQ(load(values).flops_per_token(false), 2.0 * 2 * matrices);
  EXPECT_EQ(load(values).flops_per_token(true), 2.0 * (2 * matrices + 1600));
  values["tie_word_embeddings"] = false;
  EXPECT_EQ(load(values).parameter_count(), 3200 + 2 * (matrices + 32) + 16);
  values["head_dim"] = 8;
  EXPECT_EQ(load(values).flops_per_token(false), 2.0 * 2 * (2 * 512 + 2 * 256 + 3 * 384));
}

TEST(ModelConfig, ReadsTheNewerSpelling) {
  json values = small_config();
  values.erase("rope_theta");
  values.erase("torch_dtype");
  values["dtype"] = "bfloat16";
  values["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 1e5}};
  values["rope_scaling"] = nullptr;
  EXPECT_EQ(load(values).full_attention.rope.theta, 1e5);
}

TEST(ModelConfig, ReadsRopeScalingsInBothSpellings) {
  json values = small_config();
  values["rope_scaling"] = {{"type", "linear"}, {"factor", 2.0}};
  EXPECT_EQ(load(values).full_attention.rope.type, RopeType::kLinear);
  EXPECT_EQ(load(values).full_attention.rope.factor, 2.0);
  EXPECT_EQ(load(values).full_attention.rope.theta, 5000.0);
  values.erase("rope_scaling");
  values["rope_parameters"] = {{"rope_type", "llama3"}, {"rope_theta", 5e5},
                               {"factor", 8},           {"low_freq_factor", 1},
                               {"high_freq_factor", 4}, {"original_max_position_embeddings", 8192}};
  const RopeConfig rope = load(values).full_attention.rope;
  EXPECT_EQ(rope.type, RopeType::kLlama3);
  EXPECT_EQ(rope.theta, 5e5);
  // Short wavelengths are kept, long ones stretched by the factor.
  const std::vector<double> plain = rope_frequencies({.theta = 5e5}, 64, 1);
  const std::vector<double> scaled = rope_frequencies(rope, 64, 1);
  EXPECT_EQ(scaled.front(), plain.front());
  EXPECT_DOUBLE_EQ(scaled.back(), plain.back() / 8);
}

TEST(ModelConfig, CountsBiases) {
  json values = small_config();
  const int64_t without = load(values).parameter_count();
  values["attention_bias"] = values["mlp_bias"] = true;
  EXPECT_EQ(load(values).parameter_count(), without + 2 * (16 + 8 + 8 + 16 + 24 + 24 + 16));
}

TEST(ModelConfig, FillsInWhatTransformersFillsIn) {
  json values = small_config();
  for (const char* key : {"num_key_value_heads", "rope_theta", "rms_norm_eps", "bos_token_id",
                          "eos_token_id", "tie_word_embeddings", "max_position_embeddings"}) {
    values.erase(key);
  }
  const ModelConfig config = load(values);
  EXPECT_EQ(config.num_key_value_heads, 4);
  EXPECT_EQ(config.full_attention.rope.theta, 10000.0);
  EXPECT_EQ(config.rms_norm_eps, 1e-6);
  EXPECT_EQ(config.max_position_embeddings, 2048);
  EXPECT_FALSE(config.tie_word_embeddings);
  EXPECT_FALSE(config.bos_token_id.has_value());
  EXPECT_TRUE(config.eos_token_id.empty());
}

TEST(ModelConfig, TakesTheLongerListOfEndTokens) {
  json values = small_config();
  values["eos_token_id"] = 2;
  EXPECT_EQ(load(values, {{"eos_token_id", {2, 7}}}).eos_token_id, (std::vector<int64_t>{2, 7}));
  EXPECT_EQ(load(values, {{"eos_token_id", 9}}).eos_token_id, (std::vector<int64_t>{2}));
}

struct Wrong {
  std::string key;
  json value;
  std::string message;
};

class WrongConfig : public testing::TestWithParam<Wrong> {};

TEST_P(WrongConfig, NamesFileAndField) {
  json values = small_config();
  values[GetParam().key] = GetParam().value;
  if (GetParam().key == "num_attention_heads") values["head_dim"] = 2147483646;
  const std::string error = error_of([&] { load(values); });
  EXPECT_NE(error.find("config.json"), std::string::npos) << error;
  EXPECT_NE(error.find(GetParam().message), std::string::npos) << error;
}

INSTANTIATE_TEST_SUITE_P(
    All, WrongConfig,
    testing::Values(
        Wrong{"model_type", "mamba", "'model_type' is \"mamba\"; supported: gemma, "},
        Wrong{"model_type", nullptr, "'model_type' is null"},
        Wrong{"attention_bias", 1, "'attention_bias': expected true or false, got 1"},
        Wrong{"hidden_act", "gelu", "'hidden_act' is \"gelu\"; supported: silu, "},
        Wrong{"rope_scaling",
              {{"rope_type", "llama3"}, {"factor", 8}},
              "'rope_scaling': 'low_freq_factor' is missing"},
        Wrong{"rope_scaling", {{"type", "linear"}}, "'rope_scaling': 'factor' is missing"},
        Wrong{"rope_parameters",
              {{"rope_type", "yarn"}},
              "'rope_parameters': 'rope_type' is \"yarn\"; supported: default, linear"},
        Wrong{"rope_parameters", {{"partial_rotary_factor", 0.5}}, "partial_rotary_factor"},
        Wrong{"rope_theta", -1, "'rope_theta': expected a number above 0, got -1"},
        Wrong{"quantization_config", {{"bits", 4}}, "'quantization_config'"},
        Wrong{"dtype", "int8", "'dtype' is \"int8\""},
        Wrong{"vocab_size", nullptr, "'vocab_size' is missing"},
        Wrong{"vocab_size", -5, "'vocab_size': expected a positive integer, got -5"},
        Wrong{"hidden_size", "16", "'hidden_size': expected a positive integer, got \"16\""},
        Wrong{"hidden_size", 18446744073709551615u, "'hidden_size': expected a positive integer"},
        Wrong{"hidden_size", 18, "multiple of 'num_attention_heads', got 18 and 4"},
        Wrong{"num_key_value_heads", 3, "multiple of 'num_key_value_heads', got 4 and 3"},
        Wrong{"head_dim", 5, "'head_dim' must be even, got 5"},
        Wrong{"num_attention_heads", 2147483646, "at most 1e+15 are supported"},
        Wrong{"eos_token_id", 100, "token id 100 is outside the vocabulary of 100"},
        Wrong{"eos_token_id", "2", "'eos_token_id': expected a token id"},
        Wrong{"tie_word_embeddings", "yes", "'tie_word_embeddings': expected true or false"}));

TEST(ModelConfig, NamesAMissingOrBrokenFile) {
  const TemporaryFolder folder;
  EXPECT_NE(error_of([&] { load_model_config(folder.path()); }).find("config.json: cannot open"),
            std::string::npos);
  write_file(folder / "config.json", "{\"model_type\": ");
  EXPECT_NE(error_of([&] { load_model_config(folder.path()); }).find("config.json: not JSON"),
            std::string::npos);
  write_file(folder / "config.json", "[1]");
  EXPECT_NE(error_of([&] { load_model_config(folder.path()); }).find("expected a JSON object"),
            std::string::npos);
}

TEST(ModelConfig, ReadsARealModel) {
  const std::filesystem::path folder = shared_data("stories260K");
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent";
  const ModelConfig config = load_model_config(folder);
  EXPECT_EQ(config.head_dim, 8);
  EXPECT_EQ(config.full_attention.rope.theta, 10000.0);
  EXPECT_EQ(config.parameter_count(), 260032);
}

}  // namespace
}  // namespace serendip
