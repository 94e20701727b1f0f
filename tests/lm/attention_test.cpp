// The two implementations of Attention against each other: values and gradients.
#include "lm/attention.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/utils.h>

#include "base/random.h"

namespace serendip {
namespace {

using torch::Tensor;

TokenTree random_forest(int32_t nodes, uint64_t seed) {
  Random random(seed);
  TokenTree tree;
  for (int32_t node = 0; node < nodes; ++node) {
    const bool starts = node == 0 || random.below(6) == 0;
    tree.add(starts ? TokenTree::kNoParent
                    : static_cast<int32_t>(random.below(static_cast<uint64_t>(node))),
             0);
  }
  return tree;
}

TokenTree chain(int32_t nodes) {
  TokenTree tree;
  tree.add_chain(TokenTree::kNoParent, std::vector<int32_t>(static_cast<size_t>(nodes), 0));
  return tree;
}

struct Case {
  const char* name;
  TokenTree tree;
  int32_t begin;  // of the pass; earlier nodes are keys only
  int64_t heads, key_value_heads;
  kernels::TreeAttentionOptions options;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> instance = {
      {"forest", random_forest(60, 1), 0, 6, 2, {.scale = 0.3}},
      {"later nodes", random_forest(60, 2), 41, 4, 4, {.scale = 0.3}},
      {"window", random_forest(60, 3), 0, 4, 1, {.scale = 0.3, .window = 3}},
      {"soft cap", random_forest(60, 4), 0, 4, 2, {.scale = 1, .softcap = 2}},
      {"window and soft cap", random_forest(60, 5), 9, 4, 2, {1, 2, 2}},
      {"chain", chain(33), 0, 6, 2, {.scale = 0.3}},
      {"chain's end", chain(33), 30, 6, 2, {.scale = 0.3}},
      {"chain, window", chain(33), 0, 6, 2, {.scale = 0.3, .window = 32}},
      {"chain, wide window", chain(33), 0, 6, 2, {.scale = 0.3, .window = 33}},
      {"chain, soft cap", chain(33), 0, 6, 2, {.scale = 1, .softcap = 2}},
      {"one node", chain(1), 0, 2, 2, {.scale = 0.3}},
  };
  return instance;
}

struct Inputs {
  Tensor query, key, value;
};

Inputs random_inputs(const Case& shape, torch::ScalarType dtype) {
  torch::manual_seed(1);
  const int64_t keys = shape.tree.size();
  const auto random = [&](int64_t rows, int64_t heads) {
    return (2 * torch::randn({rows, heads, 8}, torch::kFloat64)).to(dtype).requires_grad_(true);
  };
  return {random(keys - shape.begin, shape.heads), random(keys, shape.key_value_heads),
          random(keys, shape.key_value_heads)};
}

Tensor attend(AttentionMethod method, const Case& shape, const Inputs& inputs) {
  const Attention attention(method, shape.tree.batch(shape.begin, shape.tree.size()),
                            shape.tree.size(), shape.options, inputs.query.options());
  return attention(inputs.query, inputs.key, inputs.value);
}

double relative_error(const Tensor& actual, const Tensor& expected) {
  const Tensor wide = expected.to(torch::kFloat64);
  // 1e-6: a node alone has no gradient but rounding.
  return ((actual.to(torch::kFloat64) - wide).norm() / (wide.norm() + 1e-6)).item<double>();
}

TEST(Attention, BothMethodsAgreeInValuesAndGradients) {
  for (const Case& shape : cases()) {
    SCOPED_TRACE(shape.name);
    const Inputs inputs = random_inputs(shape, torch::kFloat64);
    const Tensor tree = attend(AttentionMethod::kTree, shape, inputs);
    const Tensor torch = attend(AttentionMethod::kTorch, shape, inputs);
    EXPECT_LT(relative_error(torch, tree), 1e-12);
    const std::vector<Tensor> wanted = {inputs.query, inputs.key, inputs.value};
    const Tensor direction = torch::randn_like(tree);
    const auto tree_grad = torch::autograd::grad({(tree * direction).sum()}, wanted);
    const auto torch_grad = torch::autograd::grad({(torch * direction).sum()}, wanted);
    for (size_t i = 0; i < wanted.size(); ++i)
      EXPECT_LT(relative_error(torch_grad[i], tree_grad[i]), 1e-6) << i;
  }
}

TEST(Attention, NarrowTypesStayNearFloat64) {
  torch::NoGradGuard no_grad;
  for (const Case& shape : cases()) {
    SCOPED_TRACE(shape.name);
    for (const auto dtype : {torch::kBFloat16, torch::kFloat16}) {
      const Inputs narrow = random_inputs(shape, dtype);
      const Tensor expected =
          attend(AttentionMethod::kTree, shape,
                 {narrow.query.to(torch::kFloat64), narrow.key.to(torch::kFloat64),
                  narrow.value.to(torch::kFloat64)});
      for (const AttentionMethod method : {AttentionMethod::kTree, AttentionMethod::kTorch}) {
        const Tensor actual = attend(method, shape, narrow);
        EXPECT_EQ(actual.scalar_type(), dtype);
        // Half a unit in the last place is 2⁻⁹ of a bfloat16, 2⁻¹² of a float16; scores and weights
        // of the soft-capped form are rounded too.
        EXPECT_LT(relative_error(actual, expected), dtype == torch::kBFloat16 ? 2e-2 : 3e-3);
      }
    }
  }
}

}  // namespace
}  // namespace serendip
