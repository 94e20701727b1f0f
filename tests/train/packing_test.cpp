#include "train/packing.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "lm/lora.h"
#include "lm/model_io.h"
#include "tests/infer/small_language.h"

namespace serendip {
namespace {

using torch::Tensor;

std::vector<Sample> samples_of(const std::string& kind) {
  if (kind == "one") return {{{1, 4, 5}, {6, 7, 2}}};
  if (kind == "equal") return std::vector<Sample>(5, {{1, 4, 5}, {6, 7, 2}});
  Random random(8);
  std::vector<Sample> samples;
  for (int i = 0; i < 9; ++i) {
    Sample sample{{1, 20, 21}, {}};
    if (kind == "unshared") sample.prompt = {static_cast<int32_t>(30 + i)};
    for (uint64_t j = random.below(3); j > 0; --j)
      sample.prompt.push_back(static_cast<int32_t>(3 + random.below(3)));
    for (uint64_t j = random.below(4); j > 0; --j)
      sample.labels.push_back(static_cast<int32_t>(3 + random.below(3)));
    sample.labels.push_back(2);
    samples.push_back(sample);
  }
  return samples;
}

class PackingTest : public testing::TestWithParam<std::tuple<const char*, bool>> {};

// Packed loss and gradients against the samples one by one, in double.
TEST_P(PackingTest, EqualsTheUnpackedStep) {
  const auto& [kind, lora] = GetParam();
  const std::vector<Sample> samples = samples_of(kind);
  Decoder decoder = random_decoder(2, torch::kFloat64);
  NamedTensors parameters;
  if (lora) {
    for (DecoderLayer& layer : decoder.layers) {
      for (Linear& linear : layer.projections) {
        linear.lora_a = torch::randn({3, linear.weight.size(1)}, torch::kFloat64);
        linear.lora_b = 0.1 * torch::randn({linear.weight.size(0), 3}, torch::kFloat64);
      }
    }
    decoder.lora_scale = 0.7;
    parameters = adapter_tensors(decoder);
  } else {
    decoder.for_each_weight(
        [&](const std::string& name, Tensor& weight) { parameters.emplace_back(name, weight); });
  }
  std::vector<Tensor> inputs;
  for (auto& [name, tensor] : parameters) inputs.push_back(tensor.requires_grad_(true));

  const Tensor packed = summed_loss(decoder, pack(samples), nullptr);
  Tensor unpacked = torch::zeros({}, torch::kFloat64);
  for (const Sample& sample : samples)
    unpacked = unpacked + summed_loss(decoder, pack({sample}), nullptr);
  EXPECT_NEAR(packed.item<double>(), unpacked.item<double>(), 1e-10);
  const auto packed_grad = torch::autograd::grad({packed}, inputs);
  const auto unpacked_grad = torch::autograd::grad({unpacked}, inputs);
  for (size_t i = 0; i < inputs.size(); ++i)
    EXPECT_LE((packed_grad[i] - unpacked_grad[i]).norm().item<double>(),
              1e-10 * unpacked_grad[i].norm().item<double>())
        << parameters[i].first;
}

INSTANTIATE_TEST_SUITE_P(Samples, PackingTest,
                         testing::Combine(testing::Values("one", "equal", "unshared", "mixed"),
                                          testing::Bool()));

TEST(Packing, LossIsTheScoreOfTheLabel) {
  const Decoder decoder = random_decoder(2);
  const Sample sample{{1, 4, 5}, {6, 7, 2}};
  EXPECT_NEAR(-summed_loss(decoder, pack({sample}), nullptr).item<double>(),
              score_alone(decoder, sample.prompt, {6, 7}, 2), 1e-4);
}

TEST(Packing, SharedTokensAreOneNode) {
  const PackedSamples packed =
      pack({{{1, 4, 5}, {6, 2}}, {{1, 4, 9}, {6, 2}}, {{1, 4, 5}, {7, 2}}});
  EXPECT_EQ(packed.tree.size(), 7);  // 1 4 5 9, and 6 7 below 5, 6 below 9
  EXPECT_EQ(packed.target_token.size(), 6);
  EXPECT_EQ(packed.predicting_nodes.size(), 5);
}

TEST(Packing, DropoutDependsOnItsKeysAlone) {
  Decoder decoder = random_decoder(2);
  add_lora(decoder, {4, 8, 0.5, {}}, 1);
  for (auto& [name, tensor] : adapter_tensors(decoder)) tensor.normal_(0, 0.3);
  const PackedSamples packed = pack(samples_of("mixed"));
  const auto loss = [&](uint64_t seed, uint64_t step) {
    const LoraDropout dropout{0.5, seed, step};
    return summed_loss(decoder, packed, &dropout).item<double>();
  };
  EXPECT_EQ(loss(1, 3), loss(1, 3));
  EXPECT_NE(loss(1, 3), loss(1, 4));
  EXPECT_NE(loss(1, 3), loss(2, 3));
}

}  // namespace
}  // namespace serendip
