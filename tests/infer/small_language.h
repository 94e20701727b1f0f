// A decoder with random weights or the trained stories260K, speaking of a few made-up labels.
#pragma once

#include <gtest/gtest.h>
#include <torch/utils.h>

#include <set>

#include "base/random.h"
#include "infer/label_search.h"
#include "lm/decoder.h"

namespace serendip {

inline Decoder random_decoder(uint64_t seed, torch::ScalarType dtype = torch::kFloat32) {
  torch::manual_seed(seed);
  const auto weight = [&](std::vector<int64_t> shape) { return 0.15 * torch::randn(shape, dtype); };
  Decoder decoder;
  ModelConfig& config = decoder.config;
  config.model_type = "llama";
  config.vocab_size = 50;
  config.hidden_size = 32;
  config.intermediate_size = 48;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.head_dim = 8;
  config.tie_word_embeddings = false;
  config.eos_token_id = {2};
  decoder.embed_tokens = 5 * weight({50, 32});
  decoder.lm_head = 5 * weight({50, 32});
  decoder.norm = torch::ones({32}, dtype);
  for (int i = 0; i < 2; ++i) {
    DecoderLayer layer;
    layer.input_layernorm = layer.post_attention_layernorm = torch::ones({32}, dtype);
    const std::vector<std::vector<int64_t>> shapes = {{32, 32}, {16, 32}, {16, 32}, {32, 32},
                                                      {48, 32}, {48, 32}, {32, 48}};
    for (size_t p = 0; p < kProjectionCount; ++p) layer.projections[p].weight = weight(shapes[p]);
    decoder.layers.push_back(layer);
  }
  return decoder;
}

// Distinct sequences of 1 to 6 tokens out of few, so that prefixes are shared; none holds token 2.
inline std::vector<std::vector<int32_t>> random_labels(size_t count, uint64_t seed) {
  Random random(seed);
  std::set<std::vector<int32_t>> labels;
  while (labels.size() < count) {
    std::vector<int32_t> label(1 + random.below(6));
    for (int32_t& token : label) token = static_cast<int32_t>(3 + random.below(5));
    labels.insert(label);
  }
  std::vector<std::vector<int32_t>> result(labels.begin(), labels.end());
  random.shuffle(result);
  return result;
}

// log p(label and terminator | prompt), one sequence at a time with the plain forward pass.
inline double score_alone(const Decoder& decoder, std::vector<int32_t> prompt,
                          std::vector<int32_t> label, int32_t terminator) {
  torch::NoGradGuard no_grad;
  label.push_back(terminator);
  const size_t first = prompt.size() - 1;
  prompt.insert(prompt.end(), label.begin(), label.end() - 1);
  TokenTree tree;
  tree.add_chain(TokenTree::kNoParent, prompt);
  const torch::Tensor log_prob = torch::log_softmax(
      decoder.logits(decoder.forward(tree, 0, tree.size())).to(torch::kFloat64), -1);
  double total = 0;
  for (size_t i = 0; i < label.size(); ++i)
    total += log_prob[static_cast<int64_t>(first + i)][label[i]].item<double>();
  return total;
}

}  // namespace serendip
