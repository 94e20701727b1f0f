// The decoder family against transformers and PEFT: logits, loss and the gradient of every
// parameter of ragged batches, from what scripts/parity.py wrote.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "base/file.h"
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

// All sequences as separate chains of one tree.
struct Batch {
  TokenTree tree;
  std::vector<int64_t> predicting, targets;  // rows and the tokens that they predict

  explicit Batch(const std::map<std::string, Tensor>& expected) {
    const std::vector<int64_t> ids = integers(expected.at("ids")),
                               lengths = integers(expected.at("lengths")),
                               starts = integers(expected.at("label_start"));
    int64_t begin = 0;
    for (size_t i = 0; i < lengths.size(); ++i) {
      const std::vector<int32_t> sequence(ids.begin() + begin, ids.begin() + begin + lengths[i]);
      tree.add_chain(TokenTree::kNoParent, sequence);
      for (int64_t at = starts[i]; at < lengths[i]; ++at) {
        predicting.push_back(begin + at - 1);
        targets.push_back(sequence[static_cast<size_t>(at)]);
      }
      begin += lengths[i];
    }
  }
};

// The parameters that have a gradient: all of a model, the adapter's of an adapter.
NamedTensors parameters_of(Decoder& decoder, bool adapter) {
  if (adapter) return adapter_tensors(decoder);
  NamedTensors parameters;
  decoder.for_each_weight(
      [&](const std::string& name, Tensor& weight) { parameters.emplace_back(name, weight); });
  return parameters;
}

void expect_parity(const std::string& kind, const fs::path& folder, bool adapter) {
  const std::map<std::string, Tensor> expected = load_all(folder / "expected.safetensors");
  Decoder decoder = load_decoder(folder);
  const NamedTensors parameters = parameters_of(decoder, adapter);
  for (const auto& [name, tensor] : parameters) tensor.requires_grad_(true);
  const Batch batch(expected);
  const Tensor hidden = decoder.forward(batch.tree, 0, batch.tree.size());
  const Tensor logits = decoder.logits(hidden);
  const auto stride = integers(expected.at("column_stride"))[0];
  const Tensor columns = logits.detach().slice(1, 0, c10::nullopt, stride);
  const double logits_error = relative_error(columns, expected.at("logits"));
  EXPECT_LT(logits_error, kTolerance);
  const Tensor loss = torch::nll_loss(
      torch::log_softmax(logits.index_select(0, torch::tensor(batch.predicting, torch::kInt64)),
                         -1),
      torch::tensor(batch.targets, torch::kInt64));
  EXPECT_LT(relative_error(loss.detach(), expected.at("loss")[0]), kTolerance);
  loss.backward();
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
  fmt::print("{:<18} logits {:.1e}  worst gradient {:.1e}\n", kind, logits_error, worst);
}

// In bfloat16 about as far from float32 as transformers itself is.
void expect_bfloat16_parity(const fs::path& folder) {
  const std::map<std::string, Tensor> expected = load_all(folder / "expected.safetensors");
  torch::NoGradGuard no_grad;
  const Decoder decoder = load_decoder(folder, torch::kBFloat16);
  const Batch batch(expected);
  const Tensor logits = decoder.logits(decoder.forward(batch.tree, 0, batch.tree.size()));
  ASSERT_EQ(logits.scalar_type(), torch::kBFloat16);
  const auto stride = integers(expected.at("column_stride"))[0];
  const double error = relative_error(logits.to(torch::kFloat32).slice(1, 0, c10::nullopt, stride),
                                      expected.at("logits"));
  EXPECT_LT(error, 1.5 * expected.at("bfloat16_error").item<double>());
}

// A PEFT folder names its base; the kept one lies beside it, wherever the project is.
void expect_adapter_parity(const fs::path& folder) {
  const TemporaryFolder copy;
  fs::copy(folder, copy.path(), fs::copy_options::recursive);
  auto config = nlohmann::json::parse(read_file(folder / "adapter_config.json"));
  config["base_model_name_or_path"] = (folder / "base").string();
  write_file(copy / "adapter_config.json", config.dump());
  expect_parity(folder.filename().string(), copy.path(), true);
}

void expect_parity_of_all(const fs::path& folder) {
  int kinds = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    SCOPED_TRACE(entry.path().filename().string());
    if (fs::exists(entry.path() / "adapter_config.json"))
      expect_adapter_parity(entry.path());
    else {
      expect_parity(entry.path().filename().string(), entry.path(), false);
      expect_bfloat16_parity(entry.path());
    }
    ++kinds;
  }
  EXPECT_EQ(kinds, 20);
}

TEST(Parity, KeptModels) { expect_parity_of_all(source_folder() / "tests/data/parity"); }

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
