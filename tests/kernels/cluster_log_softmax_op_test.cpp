#include <gtest/gtest.h>
#include <torch/types.h>

#include "distributed/device.h"
#include "kernels/ops.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

using at::Tensor;

Tensor longs(const std::vector<int64_t>& values) { return torch::tensor(values, at::kLong); }

struct Inputs {
  Tensor query, item_embedding, cluster_offset, row_offset, row_cluster, target;

  Inputs to(const at::Device& device) const {
    return {query.to(device),      item_embedding.to(device), cluster_offset.to(device),
            row_offset.to(device), row_cluster.to(device),    target.to(device)};
  }
};

// Clusters of 40, 0, 7 and 3 items; row 2 names one twice, row 3 has no target.
Inputs inputs(at::ScalarType type) {
  torch::manual_seed(2);
  return {(torch::randn({4, 16}) / 2).to(type), torch::randn({50, 16}).to(type),
          longs({0, 40, 40, 47, 50}),           longs({0, 2, 3, 6, 7}),
          longs({0, 2, 3, 2, 1, 2, 0}),         longs({46, 48, 41, -1})};
}

// The masked log-softmax of Torch in double precision.
std::pair<Tensor, Tensor> dense(const Tensor& query, const Tensor& items, const Inputs& given) {
  Tensor mask = torch::full({4, 50}, -INFINITY, at::kDouble);
  mask[0].slice(0, 0, 47).zero_();
  mask[1].slice(0, 47, 50).zero_();
  mask[2].slice(0, 40, 47).zero_();
  mask[3].slice(0, 0, 40).zero_();
  const Tensor scores = torch::mm(query, items.t()) + mask;
  const Tensor log_z = scores.logsumexp(1);
  const Tensor target = given.target.clamp_min(0).unsqueeze(1);
  const Tensor log_prob = scores.gather(1, target).squeeze(1) - log_z;
  return {torch::where(given.target.ge(0), log_prob, torch::zeros_like(log_prob)), log_z};
}

void expect_dense(at::ScalarType type, const at::Device& device) {
  const Inputs given = inputs(type);
  const Tensor wide_query = given.query.to(at::kDouble).requires_grad_(true);
  const Tensor wide_items = given.item_embedding.to(at::kDouble).requires_grad_(true);
  const auto [expected_log_prob, expected_log_z] = dense(wide_query, wide_items, given);
  Inputs placed = given.to(device);
  placed.query.requires_grad_(true);
  placed.item_embedding.requires_grad_(true);
  const auto [log_prob, log_z] =
      cluster_log_softmax(placed.query, placed.item_embedding, placed.cluster_offset,
                          placed.row_offset, placed.row_cluster, placed.target);
  EXPECT_TRUE(torch::allclose(log_prob.cpu().to(at::kDouble), expected_log_prob, 1e-5, 1e-5));
  EXPECT_TRUE(torch::allclose(log_z.cpu().to(at::kDouble), expected_log_z, 1e-5, 1e-5));
  const Tensor of_log_prob = torch::randn({4}), of_log_z = torch::randn({4});
  ((expected_log_prob * of_log_prob).sum() + (expected_log_z * of_log_z).sum()).backward();
  ((log_prob * of_log_prob.to(device)).sum() + (log_z * of_log_z.to(device)).sum()).backward();
  // The gradients are rounded to the type of the embeddings.
  const double tolerance = type == at::kFloat ? 1e-5 : 3e-2;
  EXPECT_TRUE(torch::allclose(placed.query.grad().cpu().to(at::kDouble), wide_query.grad(),
                              tolerance, tolerance));
  EXPECT_TRUE(torch::allclose(placed.item_embedding.grad().cpu().to(at::kDouble), wide_items.grad(),
                              tolerance, tolerance));
}

TEST(ClusterLogSoftmaxOp, EqualsADenseMaskedLogSoftmax) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf})
    expect_dense(type, at::kCPU);
}

TEST(ClusterLogSoftmaxOp, gpu_EqualsADenseMaskedLogSoftmax) {
  if (!has_gpu()) GTEST_SKIP() << "gpu: no CUDA device";
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf})
    expect_dense(type, at::kCUDA);
}

TEST(ClusterLogSoftmaxOp, ALossOfOneOutputAloneHasGradients) {
  Inputs given = inputs(at::kFloat);
  given.query.requires_grad_(true);
  const auto [log_prob, log_z] =
      cluster_log_softmax(given.query, given.item_embedding, given.cluster_offset, given.row_offset,
                          given.row_cluster, given.target);
  log_prob.sum().backward();
  EXPECT_GT(given.query.grad()[0].abs().sum().item<double>(), 0);
  EXPECT_EQ(given.query.grad()[3].abs().sum().item<double>(), 0);  // without a target
}

TEST(ClusterLogSoftmaxOp, RefusesATargetOutsideTheRowsClusters) {
  Inputs given = inputs(at::kFloat);
  given.target = longs({46, 2, 41, -1});
  const std::string message = error_of([&] {
    cluster_log_softmax(given.query, given.item_embedding, given.cluster_offset, given.row_offset,
                        given.row_cluster, given.target);
  });
  EXPECT_NE(message.find("target[1]: expected -1 or an item of the row's clusters, got 2"),
            std::string::npos)
      << message;
}

}  // namespace
}  // namespace serendip
