// The Torch binding of cluster_softmax_topk.
#include <gtest/gtest.h>

#include <vector>

#include "distributed/device.h"
#include "kernels/ops.h"
#include "tests/base/temporary_folder.h"
#include "tests/kernels/cluster_softmax_topk_problem.h"

namespace serendip {
namespace {

Result run(const Problem& problem) {
  Result result = unwritten_result(problem);
  cluster_softmax_topk_cpu(problem.input(), result.output());
  return result;
}

at::Tensor longs(const std::vector<int64_t>& values) { return torch::tensor(values, at::kLong); }

TEST(ClusterSoftmaxTopkOp, IsRegisteredAndEqualsTheFunction) {
  const Problem problem = random_problem(8, 3, {5, 7}, {{0}, {1, 0}});
  const at::Tensor query = torch::tensor(problem.query).view({2, 8});
  const at::Tensor items = torch::tensor(problem.item_embedding).view({12, 8});
  auto op = c10::Dispatcher::singleton()
                .findSchemaOrThrow("serendip::cluster_softmax_topk", "")
                .typed<decltype(cluster_softmax_topk)>();
  // A transposed view: the binding must not assume contiguous storage.
  const auto [ids, log_prob, log_z] =
      op.call(query.t().contiguous().t(), items, longs(problem.cluster_offset),
              longs(problem.row_offset), longs(problem.row_cluster), 3);
  const Result expected = run(problem);
  EXPECT_TRUE(torch::equal(ids, longs(expected.ids).view({2, 3})));
  EXPECT_TRUE(torch::equal(log_prob, torch::tensor(expected.log_prob).view({2, 3})));
  EXPECT_TRUE(torch::equal(log_z, torch::tensor(expected.log_z)));
}

TEST(ClusterSoftmaxTopkOp, gpu_EqualsTheReference) {
  if (!has_gpu()) GTEST_SKIP() << "gpu: no CUDA device";
  const Problem problem = random_problem(48, 20, {700, 0, 1, 33, 1200},
                                         {{0, 3}, {2}, {4, 3, 0, 2, 3}, {1}, {}, {3}, {3, 1}});
  const auto rows = static_cast<int64_t>(problem.row_offset.size()) - 1;
  const auto on_gpu = [](const at::Tensor& values) { return values.to(at::kCUDA); };
  const auto [ids, log_prob, log_z] =
      cluster_softmax_topk(on_gpu(torch::tensor(problem.query).view({rows, 48})),
                           on_gpu(torch::tensor(problem.item_embedding).view({-1, 48})),
                           on_gpu(longs(problem.cluster_offset)), on_gpu(longs(problem.row_offset)),
                           on_gpu(longs(problem.row_cluster)), problem.k);
  const auto values_of = [](const at::Tensor& values, auto type) {
    const at::Tensor flat = values.cpu().flatten();
    const auto* first = flat.const_data_ptr<decltype(type)>();
    return std::vector<decltype(type)>(first, first + flat.numel());
  };
  expect_reference(problem, {values_of(ids, int64_t{}), values_of(log_prob, float{}),
                             values_of(log_z, float{})});
}

TEST(ClusterSoftmaxTopkOp, RefusesBadInputNamingIt) {
  const at::Tensor query = torch::zeros({2, 8}), items = torch::zeros({12, 8});
  const at::Tensor offset = longs({0, 5, 12}), rows = longs({0, 1, 2}), named = longs({0, 1});
  const auto message = [](auto... arguments) {
    return error_of([&] { cluster_softmax_topk(arguments...); });
  };
  const auto has = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(message(query.to(at::kDouble), items, offset, rows, named, 3),
      "query: expected Float, BFloat16 or Half, got Double");
  has(message(query, torch::zeros({12, 9}), offset, rows, named, 3),
      "item_embedding: expected width 8, got 9");
  has(message(query, items, longs({0, 5, 11}), rows, named, 3),
      "cluster_offset[2]: expected 12, got 11");
  has(message(query, items, longs({0, 13, 12}), rows, named, 3),
      "cluster_offset[2]: expected at least 13, got 12");
  has(message(query, items, offset, longs({0, 2}), named, 3),
      "row_offset: expected 3 values, got 2");
  has(message(query, items, offset, rows, longs({0, 2}), 3),
      "row_cluster[1]: expected 0 to 1, got 2");
  has(message(query, items, offset, rows, named, 0), "k: expected at least 1, got 0");
}

}  // namespace
}  // namespace serendip
