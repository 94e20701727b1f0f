// What a model costs in memory while it is loaded: itself and one tensor.
#include <gtest/gtest.h>
#include <malloc.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "lm/model_io.h"
#include "lm/named_tensors.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

constexpr int64_t kVocabulary = 20'000, kHidden = 256, kLayers = 12, kIntermediate = 1024;
constexpr int64_t kLargestTensor = kVocabulary * kHidden;

// Bytes of a line of /proc/self/status, as "VmHWM:   1234 kB".
int64_t memory(const std::string& name) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name)) return 1024 * std::stoll(line.substr(name.size() + 1));
  return 0;
}

// Linux measures the peak anew from here.
bool reset_peak() {
  std::ofstream out("/proc/self/clear_refs");
  out << 5 << std::flush;
  return out.good();
}

void write_model(const std::filesystem::path& folder, torch::ScalarType dtype) {
  const nlohmann::json config = {
      {"model_type", "llama"},        {"vocab_size", kVocabulary},
      {"hidden_size", kHidden},       {"intermediate_size", kIntermediate},
      {"num_hidden_layers", kLayers}, {"num_attention_heads", 8},
      {"tie_word_embeddings", true}};
  write_file(folder / "config.json", config.dump());
  NamedTensors tensors;
  const auto add = [&](const std::string& name, std::vector<int64_t> shape) {
    tensors.emplace_back(name, torch::ones(shape, dtype));
  };
  add("model.embed_tokens.weight", {kVocabulary, kHidden});
  for (int64_t i = 0; i < kLayers; ++i) {
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    for (const char* norm : {"input_layernorm", "post_attention_layernorm"})
      add(layer + norm + ".weight", {kHidden});
    for (const char* name : {"q_proj", "k_proj", "v_proj", "o_proj"})
      add(layer + "self_attn." + name + ".weight", {kHidden, kHidden});
    for (const char* name : {"gate_proj", "up_proj"})
      add(layer + "mlp." + name + ".weight", {kIntermediate, kHidden});
    add(layer + "mlp.down_proj.weight", {kHidden, kIntermediate});
  }
  add("model.norm.weight", {kHidden});
  save_tensors(folder / "model.safetensors", tensors, dtype);
}

class LoadingMemory : public testing::TestWithParam<std::pair<torch::ScalarType, int64_t>> {};

TEST_P(LoadingMemory, IsTheModelAndOneTensor) {
  const auto [dtype, file_value_bytes] = GetParam();
  const TemporaryFolder folder;
  write_model(folder.path(), dtype);
  { load_decoder(folder.path(), dtype); }  // what the first use of Torch keeps
  malloc_trim(0);                          // of which nothing is used again
  const int64_t before = memory("VmRSS");
  if (!reset_peak()) GTEST_SKIP() << "the kernel does not reset a process' peak memory";
  const Decoder decoder = load_decoder(folder.path());
  const int64_t model = 4 * decoder.config.parameter_count();
  const int64_t used = memory("VmHWM") - before;
  EXPECT_GT(used, model / 2);
  EXPECT_LT(used, model + file_value_bytes * kLargestTensor + (4 << 20));
}

INSTANTIATE_TEST_SUITE_P(Types, LoadingMemory,
                         testing::Values(std::pair{torch::kFloat32, int64_t{4}},
                                         std::pair{torch::kBFloat16, int64_t{2}}));

}  // namespace
}  // namespace serendip
