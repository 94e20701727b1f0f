// Packed loss and gradients against the plain definition: every sample alone, its whole logits, and
// LibTorch's autograd from end to end.
#include "train/gradients.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>

#include <map>

#include "base/random.h"
#include "lm/lora.h"
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

// Variants of the random Llama: what changes a gradient's way through the network.
Decoder decoder_of(const std::string& kind, torch::ScalarType dtype) {
  Decoder decoder = random_decoder(2, dtype);
  ModelConfig& config = decoder.config;
  if (kind == "tied") {
    config.tie_word_embeddings = true;
    decoder.lm_head = decoder.embed_tokens;
    config.embedding_scale = 2.5;
  }
  if (kind == "gemma") {  // windows shorter than the path, soft caps, q/k norms, norms after
    config.sliding_layers = {true, false};
    config.sliding_attention.window = 3;
    config.attention_softcap = 1.5;
    config.logit_softcap = 4;
    config.query_key_norm = config.post_norms = config.norm_adds_one = true;
    config.activation = Activation::kGeluTanh;
    for (DecoderLayer& layer : decoder.layers) {
      for (Tensor* norm : {&layer.query_norm, &layer.key_norm})
        *norm = 0.1 * torch::randn({config.head_dim}, dtype);
      for (Tensor* norm : {&layer.input_layernorm, &layer.post_attention_layernorm,
                           &layer.pre_feedforward_layernorm, &layer.post_feedforward_layernorm})
        *norm = 0.1 * torch::randn({config.hidden_size}, dtype);
    }
  }
  return decoder;
}

void add_random_adapters(Decoder& decoder, torch::ScalarType dtype) {
  for (DecoderLayer& layer : decoder.layers) {
    for (Linear& linear : layer.projections) {
      linear.lora_a = torch::randn({3, linear.weight.size(1)}, dtype);
      linear.lora_b = 0.1 * torch::randn({linear.weight.size(0), 3}, dtype);
    }
  }
  decoder.lora_scale = 0.7;
}

// Σ −log p over a sample's labels, from the logits of every position.
Tensor plain_loss(const Decoder& decoder, const Sample& sample) {
  std::vector<int32_t> tokens = sample.prompt;
  tokens.insert(tokens.end(), sample.labels.begin(), sample.labels.end() - 1);
  TokenTree tree;
  tree.add_chain(TokenTree::kNoParent, tokens);
  const Tensor log_prob =
      torch::log_softmax(decoder.logits(decoder.forward(tree, 0, tree.size())), -1);
  Tensor loss = torch::zeros({}, log_prob.options());
  for (size_t i = 0; i < sample.labels.size(); ++i)
    loss = loss - log_prob[static_cast<int64_t>(sample.prompt.size() - 1 + i)][sample.labels[i]];
  return loss;
}

std::map<std::string, Tensor> gradients_of(const Decoder& decoder, const TrainedTensors& trained,
                                           const PackedSamples& packed, double weight,
                                           const GradientOptions& options, double* loss) {
  std::map<std::string, Tensor> found;
  *loss = sum_gradients(
      decoder, trained, packed, weight, options,
      [&](size_t part, const std::vector<Tensor>& gradients) {
        for (size_t i = 0; i < gradients.size(); ++i)
          EXPECT_TRUE(found.emplace(trained.parts[part][i].first, gradients[i]).second);
      });
  return found;
}

void expect_equal_gradients(const std::vector<Sample>& samples, const std::string& model, bool lora,
                            torch::ScalarType dtype) {
  const double tolerance = dtype == torch::kFloat64 ? 1e-10 : 1e-5;
  constexpr double kWeight = 0.25;
  Decoder decoder = decoder_of(model, dtype);
  if (lora) add_random_adapters(decoder, dtype);
  const TrainedTensors trained = trained_tensors(decoder);

  Tensor plain = torch::zeros({}, dtype);
  for (const Sample& sample : samples) plain = plain + plain_loss(decoder, sample);
  std::vector<std::string> names;
  std::vector<Tensor> inputs;
  for (const NamedTensors& part : trained.parts) {
    for (const auto& [name, tensor] : part) {
      names.push_back(name);
      inputs.push_back(tensor);
    }
  }
  const auto expected = torch::autograd::grad({plain * kWeight}, inputs);

  for (const bool recompute : {false, true}) {
    // Few rows at once: the head's chunks end within the pack.
    for (const int64_t logit_bytes : {int64_t{1} << 26, int64_t{50} * 8 * 3}) {
      double loss = 0;
      const GradientOptions options{recompute, nullptr, logit_bytes};
      const auto found = gradients_of(decoder, trained, pack(samples), kWeight, options, &loss);
      EXPECT_NEAR(loss, plain.item<double>(), tolerance * plain.item<double>());
      ASSERT_EQ(found.size(), names.size());
      for (size_t i = 0; i < names.size(); ++i)
        EXPECT_LE((found.at(names[i]) - expected[i]).norm().item<double>(),
                  tolerance * expected[i].norm().item<double>())
            << names[i] << " recompute " << recompute << " dtype " << dtype;
    }
  }
}

using Case = std::tuple<const char*, const char*, bool>;

class GradientsTest : public testing::TestWithParam<Case> {};

TEST_P(GradientsTest, EqualThoseOfTheUnpackedStep) {
  const auto& [kind, model, lora] = GetParam();
  for (const auto dtype : {torch::kFloat32, torch::kFloat64})
    expect_equal_gradients(samples_of(kind), model, lora, dtype);
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  const auto& [kind, model, lora] = info.param;
  return std::string(kind) + "_" + model + (lora ? "_lora" : "_full");
}

INSTANTIATE_TEST_SUITE_P(Samples, GradientsTest,
                         testing::Combine(testing::Values("one", "equal", "unshared", "mixed"),
                                          testing::Values("llama", "tied", "gemma"),
                                          testing::Bool()),
                         case_name);

// Recomputed layers draw the same dropout.
TEST(Gradients, RecomputationChangesNothing) {
  Decoder decoder = random_decoder(2);
  add_lora(decoder, {4, 8, 0.5, {}}, 1);
  for (auto& [name, tensor] : adapter_tensors(decoder)) tensor.normal_(0, 0.3);
  const TrainedTensors trained = trained_tensors(decoder);
  const LoraDropout dropout{0.5, 1, 3};
  double loss = 0, recomputed_loss = 0;
  const PackedSamples packed = pack(samples_of("mixed"));
  const auto kept = gradients_of(decoder, trained, packed, 1, {false, &dropout}, &loss);
  const auto recomputed =
      gradients_of(decoder, trained, packed, 1, {true, &dropout}, &recomputed_loss);
  EXPECT_EQ(loss, recomputed_loss);
  for (const auto& [name, gradient] : kept)
    EXPECT_TRUE(torch::equal(gradient, recomputed.at(name))) << name;
}

// Dropout included: it is keyed by a node's tokens, not by its place in a pack.
TEST(Gradients, OfPartsSumToThoseOfTheWhole) {
  Decoder decoder = random_decoder(2, torch::kFloat64);
  add_random_adapters(decoder, torch::kFloat64);
  const TrainedTensors trained = trained_tensors(decoder);
  const LoraDropout dropout{0.5, 1, 3};
  const std::vector<Sample> samples = samples_of("mixed");
  double whole_loss = 0, part_loss = 0, losses = 0;
  const auto whole =
      gradients_of(decoder, trained, pack(samples), 1, {false, &dropout}, &whole_loss);
  std::map<std::string, Tensor> sums;
  for (size_t begin = 0; begin < samples.size(); begin += 4) {
    const std::vector<Sample> part(
        samples.begin() + static_cast<int64_t>(begin),
        samples.begin() + static_cast<int64_t>(std::min(begin + 4, samples.size())));
    for (const auto& [name, gradient] :
         gradients_of(decoder, trained, pack(part), 1, {false, &dropout}, &part_loss))
      sums[name] = sums.count(name) ? sums[name] + gradient : gradient;
    losses += part_loss;
  }
  EXPECT_NEAR(losses, whole_loss, 1e-10 * whole_loss);
  for (const auto& [name, gradient] : whole)
    EXPECT_LE((sums.at(name) - gradient).norm().item<double>(),
              1e-10 * gradient.norm().item<double>())
        << name;
}

TEST(Gradients, DropoutDependsOnItsKeysAlone) {
  Decoder decoder = random_decoder(2);
  add_lora(decoder, {4, 8, 0.5, {}}, 1);
  for (auto& [name, tensor] : adapter_tensors(decoder)) tensor.normal_(0, 0.3);
  const TrainedTensors trained = trained_tensors(decoder);
  const auto loss = [&](uint64_t seed, uint64_t step) {
    const LoraDropout dropout{0.5, seed, step};
    return sum_gradients(decoder, trained, pack(samples_of("mixed")), 1, {false, &dropout},
                         [](size_t, const std::vector<Tensor>&) {});
  };
  EXPECT_EQ(loss(1, 3), loss(1, 3));
  EXPECT_NE(loss(1, 3), loss(1, 4));
  EXPECT_NE(loss(1, 3), loss(2, 3));
}

// Adapters on the upper layer alone: nothing below needs a gradient, and none is made.
TEST(Gradients, StopBelowTheFirstTrainedLayer) {
  Decoder decoder = random_decoder(2);
  Linear& linear = decoder.layers[1].projections[kDown];
  linear.lora_a = torch::randn({3, linear.weight.size(1)});
  linear.lora_b = torch::randn({linear.weight.size(0), 3});
  decoder.lora_scale = 1;
  const TrainedTensors trained = trained_tensors(decoder);
  double loss = 0;
  const auto found = gradients_of(decoder, trained, pack(samples_of("one")), 1, {}, &loss);
  const Tensor plain = plain_loss(decoder, samples_of("one")[0]);
  const auto expected = torch::autograd::grad({plain}, {linear.lora_a, linear.lora_b});
  ASSERT_EQ(found.size(), 2);
  EXPECT_LE((found.begin()->second - expected[0]).norm().item<double>(),
            1e-5 * expected[0].norm().item<double>());
}

TEST(Packing, SharedTokensAreOneNode) {
  const PackedSamples packed =
      pack({{{1, 4, 5}, {6, 2}}, {{1, 4, 9}, {6, 2}}, {{1, 4, 5}, {7, 2}}});
  EXPECT_EQ(packed.tree.size(), 7);  // 1 4 5 9, and 6 7 below 5, 6 below 9
  EXPECT_EQ(packed.target_token.size(), 6);
  EXPECT_EQ(packed.predicting_nodes.size(), 5);
  EXPECT_EQ(packed.target_offset.back(), 6);
}

}  // namespace
}  // namespace serendip
