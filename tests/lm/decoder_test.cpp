// The decoder against transformers, the golden text of a trained model, and adapters.
#include "lm/decoder.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include "base/file.h"
#include "base/random.h"
#include "lm/lora.h"
#include "lm/model_io.h"
#include "lm/safetensors.h"
#include "lm/tokenizer.h"
#include "tests/base/temporary_folder.h"
#include "tests/lm/test_data.h"

namespace serendip {
namespace {

namespace fs = std::filesystem;
using torch::Tensor;

Tensor logits_of(const Decoder& decoder, const std::vector<int32_t>& ids) {
  torch::NoGradGuard no_grad;
  TokenTree tree;
  tree.add_chain(TokenTree::kNoParent, ids);
  return decoder.logits(decoder.forward(tree, 0, tree.size()));
}

class DecoderTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(model)) GTEST_SKIP() << model << " is absent";
    decoder = load_decoder(model);
  }
  const fs::path model = shared_data("stories260K");
  Decoder decoder;
  TemporaryFolder folder;
};

TEST_F(DecoderTest, GoldenText) {
  torch::NoGradGuard no_grad;
  TokenTree tree;
  KeyValueArena arena;
  int32_t at = tree.add(TokenTree::kNoParent, 1);
  std::vector<int32_t> ids;
  const std::string golden =
      "Once upon a time, there was a little girl named Lily. She loved to play outside in the "
      "park. One day, she saw a big, red ball.";
  const auto tokenizer = load_tokenizer(model);
  while (ids.size() < 100 && tokenizer->decode(ids).size() < golden.size()) {
    const Tensor hidden = decoder.forward(tree, at, at + 1, &arena);
    ids.push_back(decoder.logits(hidden).argmax(-1).item<int32_t>());
    at = tree.add(at, ids.back());
  }
  EXPECT_EQ(tokenizer->decode(ids), golden);
}

TEST_F(DecoderTest, LogitsEqualTransformers) {
  std::vector<int32_t> ids = {1};
  Random random(5);
  for (int i = 0; i < 63; ++i) ids.push_back(static_cast<int32_t>(random.below(512)));
  std::string arguments = "tests/lm/reference_logits.py " + model.string() + " " +
                          (folder / "logits.safetensors").string();
  for (const int32_t id : ids) arguments += " " + std::to_string(id);
  const int status = run_python(arguments + " > /dev/null 2>&1");
  if (status == 77) GTEST_SKIP() << "transformers is not installed";
  ASSERT_EQ(status, 0) << arguments;
  Tensor expected = torch::empty({static_cast<int64_t>(ids.size()), 512});
  load_tensors(folder / "logits.safetensors", {{"logits", expected}});
  const Tensor actual = logits_of(decoder, ids);
  EXPECT_LT(((actual - expected).norm() / expected.norm()).item<double>(), 1e-5);
  EXPECT_LT((actual - expected).abs().max().item<double>(),
            1e-4 * expected.abs().max().item<double>());
}

// Many sequences in one tree, in several passes over an arena, against each alone.
TEST_F(DecoderTest, TreeWithArenaEqualsEachSequenceAlone) {
  torch::NoGradGuard no_grad;
  Random random(3);
  TokenTree tree;
  KeyValueArena arena;
  int32_t done = 0;
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 20; ++i) {
      const int32_t parent =
          tree.size() == 0 ? TokenTree::kNoParent
                           : static_cast<int32_t>(random.below(static_cast<uint64_t>(tree.size())));
      tree.add(parent, static_cast<int32_t>(random.below(512)));
    }
    const Tensor hidden = decoder.forward(tree, done, tree.size(), &arena);
    for (int32_t node = done; node < tree.size(); node += 7) {
      std::vector<int32_t> ids;
      for (int32_t at = node; at != TokenTree::kNoParent; at = tree.parent(at))
        ids.insert(ids.begin(), tree.token(at));
      const Tensor alone = logits_of(decoder, ids)[-1];
      const Tensor together = decoder.logits(hidden[node - done].unsqueeze(0))[0];
      EXPECT_LT((alone - together).abs().max().item<double>(), 2e-4) << node;
    }
    done = tree.size();
  }
}

TEST_F(DecoderTest, AdapterIsSavedLoadedAndMerged) {
  const std::vector<int32_t> ids = {1, 40, 7, 300, 12};
  const Tensor before = logits_of(decoder, ids);
  const LoraConfig lora{4, 8, 0, {"q_proj", "down_proj"}};
  add_lora(decoder, lora, 1);
  EXPECT_TRUE(torch::equal(logits_of(decoder, ids), before)) << "B is zero at first";
  for (auto& [name, tensor] : adapter_tensors(decoder))
    if (name.find("lora_B") != std::string::npos) tensor.normal_(0, 0.1);
  const Tensor adapted = logits_of(decoder, ids);
  EXPECT_GT((adapted - before).abs().max().item<double>(), 0.01);
  EXPECT_LT((logits_of(merge_lora(decoder), ids) - adapted).abs().max().item<double>(), 1e-3);
  save_adapter(decoder, lora, model, folder.path());
  EXPECT_TRUE(torch::equal(logits_of(load_decoder(folder.path()), ids), adapted));
  EXPECT_EQ(base_model_folder(folder.path()), model);
}

TEST_F(DecoderTest, SavedFolderLoadsAgain) {
  save_decoder(decoder, model, folder / "copy");
  const std::vector<int32_t> ids = {1, 2, 3};
  EXPECT_TRUE(torch::equal(logits_of(load_decoder(folder / "copy"), ids), logits_of(decoder, ids)));
}

TEST_F(DecoderTest, UnknownTargetModuleIsNamed) {
  EXPECT_NE(error_of([&] {
              add_lora(decoder, {4, 8, 0, {"query"}}, 1);
            }).find("'query'"),
            std::string::npos);
}

TEST_F(DecoderTest, WeightOfTheWrongShapeIsNamed) {
  save_decoder(decoder, model, folder / "copy");
  std::string config = read_file(folder / "copy/config.json");
  const size_t at = config.find("\"vocab_size\": 512");
  ASSERT_NE(at, std::string::npos);
  write_file(folder / "copy/config.json", config.replace(at, 17, "\"vocab_size\": 513"));
  const std::string error = error_of([&] { load_decoder(folder / "copy"); });
  EXPECT_NE(error.find("model.embed_tokens.weight"), std::string::npos) << error;
  EXPECT_NE(error.find("expected shape [513, 64], got [512, 64]"), std::string::npos) << error;
}

}  // namespace
}  // namespace serendip
