// Each fused operation against its composition of LibTorch's, values and gradients.
#include "lm/fused_ops.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>

#include <functional>

namespace serendip {
namespace {

using torch::Tensor;
using Operation = std::function<Tensor(const std::vector<Tensor>&)>;

// `inputs` in double; compared in float32 too, at sizes that fill vectors and threads or do not.
void expect_same(const std::vector<Tensor>& inputs, const Operation& fused,
                 const Operation& composed) {
  for (const auto dtype : {torch::kFloat32, torch::kFloat64}) {
    std::vector<Tensor> ours, theirs;
    for (const Tensor& input : inputs) {
      ours.push_back(input.to(dtype, false, /*copy=*/true).requires_grad_(true));
      theirs.push_back(input.clone().requires_grad_(true));
    }
    const Tensor out = fused(ours), expected = composed(theirs);
    const double tolerance = dtype == torch::kFloat64 ? 1e-12 : 2e-6;
    EXPECT_LE((out - expected).norm().item<double>(), tolerance * expected.norm().item<double>());
    const Tensor grad = torch::randn_like(expected);
    const auto found = torch::autograd::grad({out}, ours, {grad.to(dtype)});
    const auto wanted = torch::autograd::grad({expected}, theirs, {grad});
    for (size_t i = 0; i < inputs.size(); ++i)
      EXPECT_LE((found[i] - wanted[i]).norm().item<double>(),
                tolerance * wanted[i].norm().item<double>())
          << "input " << i;
  }
}

Tensor random(std::vector<int64_t> shape) {
  return torch::randn(shape, torch::kFloat64) * torch::exp(torch::randn(shape, torch::kFloat64));
}

TEST(FusedOps, RmsNorm) {
  torch::manual_seed(1);
  for (const bool adds_one : {false, true}) {
    for (const std::vector<int64_t>& shape :
         std::vector<std::vector<int64_t>>{{1, 8}, {200, 24}, {131, 576}, {5, 3, 13}}) {
      expect_same(
          {random(shape), random({shape.back()})},
          [&](const std::vector<Tensor>& in) { return rms_norm(in[0], in[1], 1e-5, adds_one); },
          [&](const std::vector<Tensor>& in) {
            const Tensor scaled =
                in[0] * torch::rsqrt(in[0].square().mean(-1, /*keepdim=*/true) + 1e-5);
            return scaled * (in[1] + (adds_one ? 1 : 0));
          });
    }
  }
}

TEST(FusedOps, RotateHalf) {
  torch::manual_seed(2);
  for (const auto& [rows, heads, d] : {std::array<int64_t, 3>{1, 1, 2}, {70, 3, 64}, {9, 5, 18}}) {
    const Tensor angle = random({rows, 1, d / 2});
    expect_same(
        {random({rows, heads, d})},
        [&](const std::vector<Tensor>& in) {
          return rotate_half(in[0], angle.cos().to(in[0].dtype()), angle.sin().to(in[0].dtype()));
        },
        [&](const std::vector<Tensor>& in) {
          const auto halves = in[0].chunk(2, -1);
          return torch::cat({halves[0] * angle.cos() - halves[1] * angle.sin(),
                             halves[1] * angle.cos() + halves[0] * angle.sin()},
                            -1);
        });
  }
}

TEST(FusedOps, SiluAndMultiply) {
  torch::manual_seed(3);
  for (const std::vector<int64_t>& shape :
       std::vector<std::vector<int64_t>>{{1, 1}, {3, 7}, {90, 512}}) {
    const Tensor gate = random(shape) * 10;  // far into both tails
    expect_same(
        {gate, random(shape)},
        [](const std::vector<Tensor>& in) { return silu_and_multiply(in[0], in[1]); },
        [](const std::vector<Tensor>& in) { return torch::silu(in[0]) * in[1]; });
  }
  const Tensor extremes = torch::tensor({-1e30F, -200.F, -0.F, 0.F, 200.F, 1e30F});
  EXPECT_TRUE(torch::equal(silu_and_multiply(extremes, torch::ones({6})), torch::silu(extremes)));
}

// Views with strides of their own are taken as they come.
TEST(FusedOps, TakeViews) {
  torch::manual_seed(4);
  const Tensor wide = torch::randn({6, 20});
  const Tensor view = wide.narrow(1, 3, 8), weight = torch::randn({16}).slice(0, 0, 16, 2);
  EXPECT_TRUE(torch::equal(rms_norm(view, weight, 1e-6, false),
                           rms_norm(view.contiguous(), weight.contiguous(), 1e-6, false)));
  EXPECT_TRUE(torch::equal(silu_and_multiply(view, view),
                           silu_and_multiply(view.contiguous(), view.contiguous())));
}

// To the bit, at widths that fill vectors or do not.
TEST(FusedOps, ARowDoesNotDependOnTheOthers) {
  torch::manual_seed(4);
  for (const int64_t width : {16, 172, 13}) {
    const Tensor x = random({200, width}).to(torch::kFloat32),
                 y = random({200, width}).to(torch::kFloat32),
                 weight = random({width}).to(torch::kFloat32);
    const Tensor silu = silu_and_multiply(x, y), norm = rms_norm(x, weight, 1e-5, false);
    for (const auto& [first, rows] : {std::pair<int64_t, int64_t>{0, 1}, {77, 3}, {191, 9}}) {
      const auto part = [&, first = first, rows = rows](const Tensor& of) {
        return of.narrow(0, first, rows).clone();
      };
      EXPECT_TRUE(torch::equal(silu_and_multiply(part(x), part(y)), part(silu))) << width;
      EXPECT_TRUE(torch::equal(rms_norm(part(x), weight, 1e-5, false), part(norm))) << width;
    }
  }
}

}  // namespace
}  // namespace serendip
