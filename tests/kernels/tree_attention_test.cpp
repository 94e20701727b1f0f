#include <gtest/gtest.h>
#include <torch/autograd.h>

#include "base/random.h"
#include "distributed/device.h"
#include "kernels/ops.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

using torch::Tensor;

// A random forest's paths: node t hangs below an earlier node or starts a tree.
struct Paths {
  Tensor offset, path;
  std::vector<std::vector<int64_t>> rows;
};

Paths random_paths(int64_t nodes, uint64_t seed) {
  Random random(seed);
  Paths paths;
  std::vector<int64_t> offset = {0};
  std::vector<int32_t> flat;
  for (int64_t t = 0; t < nodes; ++t) {
    std::vector<int64_t> row;
    if (t > 0 && random.below(5) > 0)
      row = paths.rows[static_cast<size_t>(random.below(static_cast<uint64_t>(t)))];
    row.push_back(t);
    flat.insert(flat.end(), row.begin(), row.end());
    offset.push_back(static_cast<int64_t>(flat.size()));
    paths.rows.push_back(row);
  }
  paths.offset = torch::tensor(offset, torch::kInt64);
  paths.path = torch::tensor(flat, torch::kInt32);
  return paths;
}

// Row by row with plain tensor operations, differentiable.
Tensor reference(const Tensor& query, const Tensor& key, const Tensor& value, const Paths& paths,
                 const kernels::TreeAttentionOptions& options) {
  const int64_t group = query.size(1) / key.size(1);
  std::vector<Tensor> rows;
  for (int64_t t = 0; t < query.size(0); ++t) {
    std::vector<int64_t> row = paths.rows[static_cast<size_t>(t)];
    const auto window = static_cast<size_t>(options.window);
    if (window > 0 && row.size() > window) row.erase(row.begin(), row.end() - options.window);
    const Tensor index = torch::tensor(row, torch::kInt64);
    const Tensor keys = key.index_select(0, index).repeat_interleave(group, 1);
    const Tensor values = value.index_select(0, index).repeat_interleave(group, 1);
    Tensor scores = (keys * query[t]).sum(-1) * options.scale;
    if (options.softcap > 0) scores = options.softcap * torch::tanh(scores / options.softcap);
    const Tensor weights = torch::softmax(scores, 0);
    rows.push_back((weights.unsqueeze(-1) * values).sum(0));
  }
  return torch::stack(rows);
}

double relative_error(const Tensor& actual, const Tensor& expected) {
  // 1e-9: a node alone has no gradient but rounding.
  return ((actual - expected).norm() / (expected.norm() + 1e-9)).item<double>();
}

struct Case {
  int64_t nodes, heads, key_value_heads, head_dim;
  kernels::TreeAttentionOptions options = {.scale = 0.3};
};

class TreeAttentionTest : public testing::TestWithParam<Case> {};

TEST_P(TreeAttentionTest, ForwardAndGradientsEqualTheReference) {
  const Case shape = GetParam();
  torch::manual_seed(1);
  const auto random = [&](int64_t heads) {
    return (3 * torch::randn({shape.nodes, heads, shape.head_dim}, torch::kFloat64))
        .requires_grad_(true);
  };
  const Tensor query = random(shape.heads), key = random(shape.key_value_heads),
               value = random(shape.key_value_heads);
  const Paths paths = random_paths(shape.nodes, 7);
  const Tensor actual = tree_attention(query, key, value, paths.offset, paths.path, shape.options);
  const Tensor expected = reference(query, key, value, paths, shape.options);
  EXPECT_LT(relative_error(actual, expected), 1e-12);
  const Tensor direction = torch::randn_like(actual);
  const auto actual_grad = torch::autograd::grad({(actual * direction).sum()}, {query, key, value});
  const auto expected_grad =
      torch::autograd::grad({(expected * direction).sum()}, {query, key, value});
  for (size_t i = 0; i < 3; ++i)
    EXPECT_LT(relative_error(actual_grad[i], expected_grad[i]), 1e-6) << i;
}

INSTANTIATE_TEST_SUITE_P(Shapes, TreeAttentionTest,
                         testing::Values(Case{1, 1, 1, 4}, Case{40, 4, 4, 8}, Case{60, 9, 3, 64},
                                         Case{33, 6, 1, 7},
                                         Case{60, 4, 2, 8, {.scale = 1, .softcap = 5}},
                                         Case{60, 4, 2, 8, {.scale = 0.3, .window = 3}},
                                         Case{40, 4, 1, 8, {0.5, 4, 2}},
                                         Case{20, 2, 2, 8, {.window = 1}}));

// Output and gradients of the inputs [T, H, d], [T, G, d], [T, G, d] and the output's.
std::vector<Tensor> run(const std::vector<Tensor>& inputs, const Paths& paths,
                        const kernels::TreeAttentionOptions& options) {
  std::vector<Tensor> leaves;
  for (size_t i = 0; i < 3; ++i) leaves.push_back(inputs[i].detach().requires_grad_(true));
  const at::Device device = inputs[0].device();
  Tensor out = tree_attention(leaves[0], leaves[1], leaves[2], paths.offset.to(device),
                              paths.path.to(device), options);
  std::vector<Tensor> results = torch::autograd::grad({out}, leaves, {inputs[3]});
  results.push_back(out);
  return results;
}

TEST(TreeAttention, gpu_EqualsTheCpuInDouble) {
  if (!has_gpu()) GTEST_SKIP() << "gpu: no CUDA device";
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf})
    for (const Case& shape :
         {Case{300, 9, 3, 64}, Case{90, 4, 2, 256, {.scale = 0.1}},
          Case{200, 8, 1, 40, {.scale = 1, .softcap = 5}}, Case{200, 4, 4, 128, {0.3, 4, 7}}}) {
      torch::manual_seed(4);
      std::vector<Tensor> inputs, wide;
      for (const int64_t heads :
           {shape.heads, shape.key_value_heads, shape.key_value_heads, shape.heads})
        inputs.push_back(torch::randn({shape.nodes, heads, shape.head_dim}).to(type));
      for (const Tensor& input : inputs) wide.push_back(input.to(at::kDouble));
      for (Tensor& input : inputs) input = input.to(at::kCUDA);
      const Paths paths = random_paths(shape.nodes, 7);
      const std::vector<Tensor> actual = run(inputs, paths, shape.options),
                                expected = run(wide, paths, shape.options);
      for (size_t i = 0; i < actual.size(); ++i)  // weights are rounded to the inputs' type
        EXPECT_LT(relative_error(actual[i].cpu().to(at::kDouble), expected[i]),
                  type == at::kFloat ? 1e-5 : 2e-2)
            << type << " " << shape.head_dim << " " << i;
    }
}

TEST(TreeAttention, ARowDependsOnItsPathAlone) {
  torch::manual_seed(2);
  const Tensor query = torch::randn({50, 4, 16}), key = torch::randn({50, 2, 16}),
               value = torch::randn({50, 2, 16});
  const Paths paths = random_paths(50, 3);
  const Tensor all = tree_attention(query, key, value, paths.offset, paths.path, {.scale = 0.25});
  for (int64_t t = 0; t < 50; ++t) {
    const int64_t begin = paths.offset[t].item<int64_t>(),
                  end = paths.offset[t + 1].item<int64_t>();
    const Tensor alone =
        tree_attention(query.narrow(0, t, 1), key, value, torch::tensor({int64_t{0}, end - begin}),
                       paths.path.slice(0, begin, end).contiguous(), {.scale = 0.25});
    EXPECT_TRUE(torch::equal(alone[0], all[t])) << t;
  }
}

TEST(TreeAttention, RefusesBadInputNamingIt) {
  const Paths paths = random_paths(2, 1);
  const Tensor query = torch::zeros({2, 4, 8}), key = torch::zeros({2, 2, 8});
  const auto message = [&](const Tensor& keys, const Tensor& path) {
    return error_of([&] { tree_attention(query, keys, keys, paths.offset, path, {}); });
  };
  const auto has = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(message(torch::zeros({2, 3, 8}), paths.path),
      "key: expected heads that divide the query's 4, got 3");
  has(message(torch::zeros({2, 2, 9}), paths.path), "key: expected width 8, got 9");
  has(message(key, paths.path + 1), "expected 0 to 1, got 2");
  has(message(key, paths.path.slice(0, 1)), "path_offset[2]");
}

}  // namespace
}  // namespace serendip
