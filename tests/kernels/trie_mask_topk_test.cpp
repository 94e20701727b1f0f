#include <torch/types.h>

#include "distributed/device.h"
#include "kernels/ops.h"
#include "tests/base/temporary_folder.h"
#include "tests/kernels/trie_mask_topk_problem.h"

namespace serendip {
namespace {

TEST(TrieMaskTopk, EqualsTheDefinition) {
  for (const FloatType type : {FloatType::kFloat32, FloatType::kBFloat16, FloatType::kFloat16})
    for (const int64_t vocabulary : {100, 1003, 49152})
      for (const int64_t k : {1, 10, 300}) {
        SCOPED_TRACE(testing::Message() << static_cast<int>(type) << " " << vocabulary << " " << k);
        TrieMaskTopkProblem problem =
            random_trie_problem(vocabulary, k, {1, 0, 33, 100, 64}, 2, type);
        const auto places = static_cast<size_t>(problem.rows() * k);
        TrieMaskTopkResult result{std::vector<int64_t>(places), std::vector<float>(places),
                                  std::vector<float>(static_cast<size_t>(problem.rows()))};
        trie_mask_topk_cpu(problem.input(),
                           {result.child.data(), result.log_prob.data(), result.log_z.data()});
        expect_trie_mask_topk(problem, result);
      }
}

// The log-softmax of the whole row, looked up at the children.
void expect_torchs(const at::Device& device) {
  torch::manual_seed(4);
  const at::Tensor logits = torch::randn({2, 1000}).to(device);
  const at::Tensor offset = torch::tensor({int64_t{0}, int64_t{3}, int64_t{5}}).to(device);
  const at::Tensor tokens =
      torch::tensor({int64_t{8}, int64_t{2}, int64_t{999}, int64_t{4}, int64_t{5}}).to(device);
  const auto [child, log_prob, log_z] = trie_mask_topk(logits, offset, tokens, 2);
  const at::Tensor all = torch::log_softmax(logits, -1);
  for (int64_t row = 0; row < 2; ++row) {
    const at::Tensor mine = tokens.slice(0, 3 * row, 3 + 2 * row);
    const auto [values, places] = all[row].index_select(0, mine).topk(2);
    EXPECT_TRUE(torch::equal(child[row], places));
    EXPECT_TRUE(torch::allclose(log_prob[row], values, 1e-5, 1e-6));
  }
  EXPECT_TRUE(torch::allclose(log_z, logits.logsumexp(-1), 1e-5, 1e-6));
}

TEST(TrieMaskTopkOp, EqualsTorchs) { expect_torchs(at::kCPU); }

TEST(TrieMaskTopkOp, gpu_EqualsTorchs) {
  if (!has_gpu()) GTEST_SKIP() << "gpu: no CUDA device";
  expect_torchs(at::kCUDA);
}

TEST(TrieMaskTopkOp, RefusesBadInputNamingIt) {
  const at::Tensor logits = torch::zeros({2, 10});
  const at::Tensor offset = torch::tensor({int64_t{0}, int64_t{1}, int64_t{2}});
  const at::Tensor tokens = torch::tensor({int64_t{3}, int64_t{9}});
  const auto has = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(error_of([&] { trie_mask_topk(logits, offset, tokens + 1, 1); }),
      "child_token[1]: expected 0 to 9, got 10");
  has(error_of([&] { trie_mask_topk(logits, offset.slice(0, 0, 2), tokens, 1); }),
      "child_offset: expected 3 values, got 2");
  has(error_of([&] { trie_mask_topk(logits, offset, tokens, 0); }),
      "k: expected at least 1, got 0");
}

}  // namespace
}  // namespace serendip
