#include "recsys/row_adamw.h"

#include <gtest/gtest.h>
#include <torch/optim/adamw.h>

namespace serendip {
namespace {

constexpr double kRate = 0.01, kDecay = 0.1;

at::Tensor drawn_table(int64_t rows) {
  torch::manual_seed(3);
  return torch::randn({rows, 4}, at::kDouble).requires_grad_();
}

void set_gradient(at::Tensor& table, const std::vector<int64_t>& rows, const at::Tensor& values) {
  table.mutable_grad() = at::sparse_coo_tensor(torch::tensor(rows, at::kLong).unsqueeze(0), values,
                                               table.sizes(), values.scalar_type());
}

TEST(RowAdamW, IsAdamWWhereEveryStepNamesEveryRow) {
  at::Tensor ours = drawn_table(5);
  at::Tensor torchs = ours.detach().clone().requires_grad_();
  RowAdamW rows(ours, kRate, kDecay);
  torch::optim::AdamW whole({torchs}, torch::optim::AdamWOptions(kRate).weight_decay(kDecay));
  for (int step = 0; step < 20; ++step) {
    const at::Tensor gradient = torch::randn({5, 4}, at::kDouble);
    // In another order, and row 2 in two halves, as several uses of a row leave it.
    const at::Tensor parts = at::cat({gradient.flip(0), gradient.narrow(0, 2, 1)});
    parts[2].mul_(0.25);
    parts[5].mul_(0.75);
    set_gradient(ours, {4, 3, 2, 1, 0, 2}, parts);
    torchs.mutable_grad() = gradient;
    rows.step();
    whole.step();
    EXPECT_TRUE(at::allclose(ours, torchs, 1e-12, 1e-12)) << step;
  }
}

TEST(RowAdamW, LeavesOtherRowsAndStartsALateOneAfresh) {
  at::Tensor table = drawn_table(3);
  const at::Tensor before = table.detach().clone();
  RowAdamW optimizer(table, kRate, /*weight_decay=*/0.0);
  const at::Tensor ones = at::ones({1, 4}, at::kDouble);
  for (int step = 0; step < 500; ++step) {
    set_gradient(table, {0}, ones);
    optimizer.step();
  }
  EXPECT_TRUE(table[1].equal(before[1]));
  EXPECT_TRUE(table[2].equal(before[2]));
  set_gradient(table, {1}, ones);
  optimizer.step();
  EXPECT_TRUE(at::allclose(table[1], before[1] - kRate, 0.0, 1e-8));
  EXPECT_TRUE(table[2].equal(before[2]));
}

TEST(RowAdamW, WithoutAGradientNothingHappens) {
  at::Tensor table = drawn_table(3);
  const at::Tensor before = table.detach().clone();
  RowAdamW(table, kRate, kDecay).step();
  EXPECT_TRUE(table.equal(before));
}

}  // namespace
}  // namespace serendip
