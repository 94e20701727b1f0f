// The decoder family against transformers and PEFT: logits, loss and the gradient of every
// parameter of ragged batches, from what scripts/parity.py wrote.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/library.h>
#include <torch/utils.h>

#include <nlohmann/json.hpp>
#include <random>

#include "base/check.h"
#include "base/file.h"
#include "distributed/device.h"
#include "lm/decoder.h"
#include "lm/lora.h"
#include "lm/model_io.h"
#include "lm/safetensors.h"
#include "tests/base/temporary_folder.h"
#include "tests/lm/test_data.h"

namespace serendip {
namespace {

namespace fs = std::filesystem;
using torch::Tensor;

// float32 on both sides, in different orders of summation.
constexpr double kTolerance = 1e-5;

std::map<std::string, Tensor> load_all(const fs::path& path) {
  const SafetensorsFile file(path);
  std::map<std::string, Tensor> tensors;
  NamedTensors wanted;
  for (const auto& [name, entry] : file.entries())
    wanted.emplace_back(name, torch::empty(entry.shape));
  load_tensors(path, wanted);
  for (const auto& [name, tensor] : wanted) tensors[name] = tensor;
  return tensors;
}

std::vector<int64_t> integers(const Tensor& values) {
  const Tensor whole = values.to(torch::kInt64).contiguous();
  return {whole.data_ptr<int64_t>(), whole.data_ptr<int64_t>() + whole.numel()};
}

double relative_error(const Tensor& actual, const Tensor& expected) {
  return ((actual - expected).norm() / (expected.norm() + 1e-30)).item<double>();
}

// Sequences as separate chains of one tree.
struct Batch {
  TokenTree tree;
  std::vector<int64_t> predicting, targets;  // rows and the tokens that they predict

  void add(const std::vector<int32_t>& sequence, int64_t label_start) {
    const int64_t begin = tree.size();
    tree.add_chain(TokenTree::kNoParent, sequence);
    for (auto at = label_start; at < static_cast<int64_t>(sequence.size()); ++at) {
      predicting.push_back(begin + at - 1);
      targets.push_back(sequence[static_cast<size_t>(at)]);
    }
  }
};

// Ragged sequences in one batch, or each alone.
std::vector<Batch> batches_of(const std::map<std::string, Tensor>& expected, bool alone) {
  const std::vector<int64_t> ids = integers(expected.at("ids")),
                             lengths = integers(expected.at("lengths")),
                             starts = integers(expected.at("label_start"));
  std::vector<Batch> batches(alone ? lengths.size() : 1);
  int64_t begin = 0;
  for (size_t i = 0; i < lengths.size(); ++i) {
    batches[alone ? i : 0].add({ids.begin() + begin, ids.begin() + begin + lengths[i]}, starts[i]);
    begin += lengths[i];
  }
  return batches;
}

// Every row's logits, and the mean loss of the labels.
struct Outputs {
  Tensor logits, loss;
};

Outputs compute(const Decoder& decoder, const std::vector<Batch>& batches) {
  std::vector<Tensor> logits, losses;
  for (const Batch& batch : batches) {
    logits.push_back(decoder.logits(decoder.forward(batch.tree, 0, batch.tree.size())));
    const Tensor log_prob = torch::log_softmax(logits.back().to(torch::kFloat32), -1);
    losses.push_back(-log_prob.index({torch::tensor(batch.predicting, torch::kInt64),
                                      torch::tensor(batch.targets, torch::kInt64)}));
  }
  return {torch::cat(logits), torch::cat(losses).mean()};
}

double logits_error(const Tensor& logits, const std::map<std::string, Tensor>& expected) {
  const auto stride = integers(expected.at("column_stride"))[0];
  const Tensor columns = logits.detach().to(torch::kFloat32).cpu();
  return relative_error(columns.slice(1, 0, c10::nullopt, stride), expected.at("logits"));
}

// The parameters that have a gradient: all of a model, the adapter's of an adapter.
NamedTensors parameters_of(Decoder& decoder, bool adapter) {
  if (adapter) return adapter_tensors(decoder);
  NamedTensors parameters;
  decoder.for_each_weight(
      [&](const std::string& name, Tensor& weight) { parameters.emplace_back(name, weight); });
  return parameters;
}

struct Run {
  AttentionMethod method;
  bool alone;
};

void expect_parity(const fs::path& folder, bool adapter, const Run& run) {
  const std::map<std::string, Tensor> expected = load_all(folder / "expected.safetensors");
  Decoder decoder = load_decoder(folder);
  decoder.attention_method = run.method;
  const NamedTensors parameters = parameters_of(decoder, adapter);
  for (const auto& [name, tensor] : parameters) tensor.requires_grad_(true);
  const Outputs outputs = compute(decoder, batches_of(expected, run.alone));
  const double logits = logits_error(outputs.logits, expected);
  EXPECT_LT(logits, kTolerance);
  EXPECT_LT(relative_error(outputs.loss.detach(), expected.at("loss")[0]), kTolerance);
  outputs.loss.backward();
  double worst = 0;
  for (const auto& [name, tensor] : parameters) {
    const auto gradient = expected.find("grad." + name);
    ASSERT_NE(gradient, expected.end()) << name;
    const auto step = integers(expected.at("stride." + name))[0];
    const double error =
        relative_error(tensor.grad().flatten().slice(0, 0, c10::nullopt, step), gradient->second);
    EXPECT_LT(error, kTolerance) << name;
    worst = std::max(worst, error);
  }
  fmt::print("  {:<5} {:<9} logits {:.1e}  worst gradient {:.1e}\n",
             run.method == AttentionMethod::kTree ? "tree" : "torch", run.alone ? "alone" : "batch",
             logits, worst);
}

// How far logits may be from the float32 reference: in bfloat16 about as far as transformers' own;
// float16 has 8 times its precision.
double logits_tolerance(torch::ScalarType dtype, const std::map<std::string, Tensor>& expected) {
  if (dtype == torch::kFloat32) return kTolerance;
  return (dtype == torch::kBFloat16 ? 1.5 : 0.25) * expected.at("bfloat16_error").item<double>();
}

void expect_logits(const fs::path& folder, torch::ScalarType dtype, const Run& run,
                   torch::Device device = torch::kCPU) {
  const std::map<std::string, Tensor> expected = load_all(folder / "expected.safetensors");
  torch::NoGradGuard no_grad;
  Decoder decoder = load_decoder(folder, dtype, device);
  decoder.attention_method = run.method;
  const Tensor logits = compute(decoder, batches_of(expected, run.alone)).logits;
  ASSERT_EQ(logits.scalar_type(), dtype);
  EXPECT_LT(logits_error(logits, expected), logits_tolerance(dtype, expected));
}

bool is_adapter(const fs::path& folder) { return fs::exists(folder / "adapter_config.json"); }

// Dynamic RoPE past the trained length depends on the batch's longest sequence.
bool only_alone(const fs::path& folder) { return folder.filename() == "llama_dynamic"; }

void expect_parity_of_model(const fs::path& folder) {
  for (const bool alone : {false, true}) {
    if (!alone && only_alone(folder)) continue;
    for (const AttentionMethod method : {AttentionMethod::kTree, AttentionMethod::kTorch}) {
      const Run run{method, alone};
      expect_parity(folder, is_adapter(folder), run);
      if (is_adapter(folder)) continue;
      expect_logits(folder, torch::kBFloat16, run);
      expect_logits(folder, torch::kFloat16, run);
    }
  }
}

// A PEFT folder names its base; the kept one lies beside it, wherever the project is.
void expect_parity_of_adapter(const fs::path& folder) {
  const TemporaryFolder copy;
  fs::copy(folder, copy.path(), fs::copy_options::recursive);
  auto config = nlohmann::json::parse(read_file(folder / "adapter_config.json"));
  config["base_model_name_or_path"] = (folder / "base").string();
  write_file(copy / "adapter_config.json", config.dump());
  expect_parity_of_model(copy.path());
}

void expect_parity_of_all(const fs::path& folder) {
  int kinds = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string kind = entry.path().filename().string();
    SCOPED_TRACE(kind);
    fmt::print("{}\n", kind);
    if (is_adapter(entry.path()))
      expect_parity_of_adapter(entry.path());
    else
      expect_parity_of_model(entry.path());
    ++kinds;
  }
  EXPECT_EQ(kinds, 20);
}

TEST(Parity, KeptModels) { expect_parity_of_all(source_folder() / "tests/data/parity"); }

// LibTorch without Python has no such kernels on the meta device.
Tensor index_select_meta(const Tensor& self, int64_t dimension, const Tensor& index) {
  EXPECT_TRUE(index.is_meta());
  std::vector<int64_t> sizes = self.sizes().vec();
  sizes[static_cast<size_t>(dimension)] = index.numel();
  return torch::empty(sizes, self.options());
}

Tensor where_meta(const Tensor& condition, const Tensor& yes, const Tensor& no) {
  EXPECT_TRUE(condition.is_meta());
  return torch::empty_like(yes.dim() > 0 ? yes : no);
}

Tensor& where_out_meta(const Tensor& condition, const Tensor& /*yes*/, const Tensor& /*no*/,
                       Tensor& out) {
  EXPECT_TRUE(condition.is_meta() && out.is_meta());
  return out;
}

TORCH_LIBRARY_IMPL(aten, Meta, library) {
  library.impl("where.self_out", where_out_meta);
  library.impl("index_select", index_select_meta);
  library.impl("where.self", where_meta);
}

// Every tensor that a pass makes is where the weights are: the meta device refuses others.
TEST(Parity, PassesStayOnTheWeightsDevice) {
  torch::NoGradGuard no_grad;
  for (const auto& entry : fs::directory_iterator(source_folder() / "tests/data/parity")) {
    if (is_adapter(entry.path())) continue;
    SCOPED_TRACE(entry.path().filename().string());
    const Decoder decoder = load_decoder(entry.path(), torch::kFloat16, torch::kMeta);
    EXPECT_EQ(decoder.attention_method, AttentionMethod::kTorch);
    TokenTree tree;
    const int32_t root = tree.add_chain(TokenTree::kNoParent, std::vector<int32_t>{5, 6, 7});
    tree.add(root, 8);
    KeyValueArena arena;
    EXPECT_TRUE(decoder.forward(tree, 0, 3, &arena).is_meta());
    tree.add(root, 9);
    const Tensor logits = decoder.logits(decoder.forward(tree, 3, 5, &arena));
    EXPECT_TRUE(logits.is_meta());
    EXPECT_EQ(logits.sizes(), (std::vector<int64_t>{2, decoder.config.vocab_size}));
  }
}

TEST(Parity, KeptKeysRefuseDynamicRopePastItsLength) {
  torch::NoGradGuard no_grad;
  const Decoder decoder = load_decoder(source_folder() / "tests/data/parity/llama_dynamic");
  TokenTree tree;
  tree.add_chain(TokenTree::kNoParent, std::vector<int32_t>(25, 5));
  KeyValueArena arena;
  decoder.forward(tree, 0, 24, &arena);
  EXPECT_THROW(decoder.forward(tree, 24, 25, &arena), Error);
}

TEST(Parity, gpu_KeptModels) {
  if (!has_gpu()) GTEST_SKIP() << "gpu: no CUDA device";
  for (const auto& entry : fs::directory_iterator(source_folder() / "tests/data/parity")) {
    if (is_adapter(entry.path())) continue;
    SCOPED_TRACE(entry.path().filename().string());
    for (const bool alone : {false, true}) {
      if (!alone && only_alone(entry.path())) continue;
      for (const auto dtype : {torch::kFloat32, torch::kBFloat16, torch::kFloat16})
        for (const AttentionMethod method : {AttentionMethod::kTree, AttentionMethod::kTorch})
          expect_logits(entry.path(), dtype, {method, alone}, torch::kCUDA);
    }
  }
}

TEST(Parity, FreshModels) {
  const TemporaryFolder folder;
  std::random_device device;
  const std::string seed = std::to_string(device());
  SCOPED_TRACE("scripts/parity.py --seed " + seed);
  const int status = run_python("scripts/parity.py " + folder.path().string() + " --seed " + seed +
                                " > /dev/null 2>&1");
  if (status == 77) GTEST_SKIP() << "transformers or peft is not installed";
  ASSERT_EQ(status, 0);
  expect_parity_of_all(folder.path());
}

}  // namespace
}  // namespace serendip
