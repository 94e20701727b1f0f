// A model of a few thousand parameters from invented items: it learns, loads, and is the same each
// time.
#include "train/pretrain.h"

#include <gtest/gtest.h>
#include <sentencepiece_processor.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>

#include "base/file.h"
#include "base/random.h"
#include "lm/model_io.h"
#include "lm/sentencepiece_file.h"
#include "lm/tokenizer.h"
#include "tests/base/temporary_folder.h"
#include "tests/lm/test_data.h"
#include "train/item_text.h"

namespace serendip {
namespace {

namespace fs = std::filesystem;

// "The red ocean". "sail, whale, harbor": the text follows from the title's last word.
Dataset invented_items(size_t count) {
  static const std::vector<std::vector<std::string>> kTopics = {
      {"ocean", "sail", "harbor", "whale"},
      {"mountain", "climb", "summit", "rope"},
      {"kitchen", "bake", "bread", "flour"},
      {"café", "süß", "茶", "crème"}};
  static const std::vector<std::string> kColors = {"red", "blue", "green", "old", "new"};
  Dataset dataset;
  Random random(3);
  for (size_t i = 0; i < count; ++i) {
    const auto& words = kTopics[i % kTopics.size()];
    dataset.item_id.push_back("item" + std::to_string(i));
    dataset.item_title.push_back("The " + kColors[random.below(5)] + " " + words[0]);
    dataset.item_text.push_back(words[1 + random.below(3)] + ", " + words[1 + random.below(3)] +
                                " " + std::to_string(random.below(100)));
  }
  dataset.user_id = {"u"};
  dataset.user_offset = {0, 1};
  dataset.event_item = {0};
  dataset.event_time = {1};
  dataset.event_reward = {5};
  return dataset;
}

class Pretrain : public testing::Test {
 protected:
  Pretrain() {
    options.vocabulary = 400;
    options.hidden_size = 32;
    options.layers = 2;
    options.heads = 4;
    options.key_value_heads = 2;
    options.intermediate_size = 48;
    options.context = 64;
    options.steps = 60;
    options.batch_size = 16;
    options.learning_rate = 1e-2;
    options.warmup_steps = 5;
    save_dataset(invented_items(200), folder / "data.h5");
  }
  nlohmann::json run(const std::string& name) const {
    return pretrain(options, folder / "data.h5", folder / name);
  }
  std::string error() const {
    return error_of([&] { run("run"); });
  }

  TemporaryFolder folder;
  PretrainOptions options;
};

TEST_F(Pretrain, LearnsWhatIsHeldOut) {
  const nlohmann::json result = run("run");
  EXPECT_LT(result.at("held_out_bits_per_byte").get<double>(),
            0.5 * result.at("untrained_held_out_bits_per_byte").get<double>())
      << result.dump(1);
  EXPECT_LT(result.at("held_out_loss").get<double>(),
            result.at("untrained_held_out_loss").get<double>());
  // An untrained model spreads its probability over all pieces.
  EXPECT_NEAR(result.at("untrained_held_out_loss").get<double>(),
              std::log(result.at("pieces").get<double>()), 0.1);

  std::ifstream metrics(folder / "run/pretrain/metrics.jsonl");
  std::vector<double> losses;
  for (std::string line; std::getline(metrics, line);)
    losses.push_back(nlohmann::json::parse(line).at("loss"));
  ASSERT_EQ(losses.size(), 60u);
  EXPECT_LT(losses.back(), 0.5 * losses.front());
  EXPECT_EQ(losses.back(), result.at("loss").get<double>());
}

TEST_F(Pretrain, ItsFolderIsAModel) {
  options.steps = 1;
  const nlohmann::json result = run("run");
  const fs::path model = folder / "run/base_model";
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(model)) names.insert(entry.path().filename());
  EXPECT_EQ(names, (std::set<std::string>{"config.json", "model.safetensors", "tokenizer.model",
                                          "tokenizer_config.json"}));
  const Decoder decoder = load_decoder(model);
  EXPECT_EQ(decoder.config.parameter_count(), result.at("parameters"));
  EXPECT_EQ(decoder.config.vocab_size, result.at("pieces"));
  EXPECT_EQ(decoder.config.max_position_embeddings, 64);
  EXPECT_EQ(decoder.config.bos_token_id, 1);
  EXPECT_EQ(decoder.config.eos_token_id, std::vector<int64_t>{2});
  EXPECT_TRUE(decoder.config.tie_word_embeddings);
  const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(model);
  EXPECT_EQ(tokenizer->vocabulary_size(), result.at("pieces"));
  EXPECT_EQ(tokenizer->prefix_ids, std::vector<int32_t>{1});
  for (const char* text :
       {"The red ocean. sail, whale 7", "süß  spaces\n\ttoo", "Ωμέγα 🚢", "茶", ""})
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
}

// Our merges, not sentencepiece's, encode: both must agree.
TEST_F(Pretrain, ItsVocabularyIsMergedByOurOwnModel) {
  options.steps = 1;
  run("run");
  const std::string file = read_file(folder / "run/base_model/tokenizer.model");
  const SentencepieceFacts facts = read_sentencepiece_facts(file);
  EXPECT_TRUE(facts.is_bpe && facts.identity_normalizer && facts.byte_fallback &&
              facts.plain_pieces && !facts.whitespace_as_suffix);
  sentencepiece::SentencePieceProcessor reference;
  ASSERT_TRUE(reference.LoadFromSerializedProto(file).ok());
  const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(folder / "run/base_model");
  for (const std::string& text : item_text(invented_items(200), "").training)
    EXPECT_EQ(tokenizer->encode(text), reference.EncodeAsIds(text)) << text;
}

TEST_F(Pretrain, TheSameSeedMakesTheSameFiles) {
  options.steps = 5;
  run("a");
  run("b");
  for (const char* name : {"model.safetensors", "tokenizer.model", "config.json"})
    EXPECT_TRUE(read_file(folder / "a/base_model" / name) ==
                read_file(folder / "b/base_model" / name))
        << name;
  options.seed = 2;
  run("b");  // in the place of the other
  EXPECT_FALSE(read_file(folder / "a/base_model/model.safetensors") ==
               read_file(folder / "b/base_model/model.safetensors"));
}

TEST_F(Pretrain, TakesFewerPiecesWhereTheTextHasFewer) {
  options.steps = 1;
  options.vocabulary = 4096;
  EXPECT_LT(run("run").at("pieces").get<int64_t>(), 1000);
}

TEST_F(Pretrain, SaysWhatIsMissing) {
  options.vocabulary = 280;
  EXPECT_NE(error().find("256 bytes"), std::string::npos) << error();
  options.vocabulary = 400;
  options.heads = 5;
  EXPECT_NE(error().find("pretrain.heads"), std::string::npos) << error();
  options.heads = 4;
  save_dataset(invented_items(20), folder / "data.h5");
  EXPECT_NE(error().find("data.h5: expected at least 50 items"), std::string::npos) << error();
  options.steps = 0;
  EXPECT_NE(error().find("pretrain.steps"), std::string::npos) << error();
  EXPECT_FALSE(fs::exists(folder / "run/base_model"));
  EXPECT_FALSE(fs::exists(folder / "run/base_model.tmp"));
}

TEST_F(Pretrain, ItsWeightsOpenInTransformers) {
  if (!fs::exists(source_folder() / ".venv/bin/python")) GTEST_SKIP() << ".venv is absent";
  options.steps = 1;
  run("run");
  const std::string script =
      "from transformers import AutoModelForCausalLM; "
      "m, i = AutoModelForCausalLM.from_pretrained('" +
      (folder / "run/base_model").string() +
      "', output_loading_info=True); "
      "assert not any(i.values()) and type(m).__name__ == 'LlamaForCausalLM', i";
  EXPECT_EQ(run_python("-c \"" + script + "\""), 0);
}

TEST(ItemText, HoldsOutTwoPercentWhateverTheOrder) {
  Dataset dataset;
  for (int i = 0; i < 120; ++i) {
    dataset.item_id.push_back(std::to_string(i));
    dataset.item_title.push_back(i % 3 == 0 ? "" : "Title\n" + std::to_string(i));
    dataset.item_text.push_back(i % 3 == 1 ? "" : "\ttext  " + std::to_string(i));
  }
  dataset.item_id.push_back("twin of 2");
  dataset.item_title.push_back("Title 2 ");
  dataset.item_text.push_back("text 2");
  const ItemText text = item_text(dataset, "");
  EXPECT_EQ(text.training.size(), 2 * 118u);  // a line and a list of words each
  EXPECT_EQ(text.held_out.size(), 2 * 2u);
  std::set<std::string> all(text.training.begin(), text.training.end());
  all.insert(text.held_out.begin(), text.held_out.end());
  for (const char* expected : {"text 0", "Title 1", "Title 2. text 2", "title, text"})
    EXPECT_TRUE(all.contains(expected)) << expected;
  std::reverse(dataset.item_title.begin(), dataset.item_title.end());
  std::reverse(dataset.item_text.begin(), dataset.item_text.end());
  const ItemText reversed = item_text(dataset, "");
  EXPECT_EQ(std::multiset<std::string>(reversed.held_out.begin(), reversed.held_out.end()),
            std::multiset<std::string>(text.held_out.begin(), text.held_out.end()));
}

// Letters as tokens, bos 1 and, given here, eos 2.
class Letters : public Tokenizer {
 public:
  Letters() { prefix_ids = {1}; }
  std::vector<int32_t> encode(std::string_view text) const override {
    return {text.begin(), text.end()};
  }
  std::string decode(const std::vector<int32_t>& ids) const override {
    return {ids.begin(), ids.end()};
  }
  int64_t vocabulary_size() const override { return 128; }
};

TEST(TextSamples, CutsAtTheContext) {
  const std::vector<Sample> samples = text_samples(Letters(), {"abc", "abcd", "abcdefgh"}, 2, 4);
  std::vector<std::vector<int32_t>> labels;
  for (const Sample& sample : samples) {
    EXPECT_EQ(sample.prompt, std::vector<int32_t>{1});
    labels.push_back(sample.labels);
  }
  EXPECT_EQ(labels, (std::vector<std::vector<int32_t>>{{'a', 'b', 'c', 2},
                                                       {'a', 'b', 'c', 'd'},
                                                       {2},
                                                       {'a', 'b', 'c', 'd'},
                                                       {'e', 'f', 'g', 'h'},
                                                       {2}}));
}

}  // namespace
}  // namespace serendip
