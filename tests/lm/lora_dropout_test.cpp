#include "lm/lora_dropout.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "distributed/device.h"

namespace serendip {
namespace {

using torch::Tensor;

Tensor some_keys(int64_t rows) {
  std::vector<int64_t> keys;
  for (int64_t i = 0; i < rows; ++i)
    keys.push_back(static_cast<int64_t>(mix_bits(static_cast<uint64_t>(i))));
  keys.back() = -1;  // counters wrap around
  return torch::tensor(keys, torch::kInt64);
}

TEST(LoraDropout, MasksAreTheGeneratorsBits) {
  const LoraDropout dropout{0.3, 7, 11};
  const Tensor keys = some_keys(20);
  const Tensor masked = dropout(torch::ones({20, 33}), keys, 5);
  for (int64_t row = 0; row < 20; ++row) {
    for (int64_t column = 0; column < 33; ++column) {
      const uint64_t bits = random_bits(
          7, mix_bits(11) ^ 5,
          static_cast<uint64_t>(keys[row].item<int64_t>()) + static_cast<uint64_t>(column));
      const float expected = bits < static_cast<uint64_t>(0.3 * 0x1.0p63) * 2 ? 0 : 1 / 0.7f;
      ASSERT_EQ(masked[row][column].item<float>(), expected) << row << " " << column;
    }
  }
}

TEST(LoraDropout, DropsItsShareAndKeepsTheMean) {
  const Tensor masked = LoraDropout{0.3, 1, 2}(torch::ones({500, 400}), some_keys(500), 0);
  EXPECT_NEAR(masked.eq(0).to(torch::kFloat64).mean().item<double>(), 0.3, 0.005);
  EXPECT_NEAR(masked.mean().item<double>(), 1, 0.01);
  EXPECT_TRUE(torch::equal(LoraDropout{0, 1, 2}(masked, {}, 0), masked));
}

TEST(LoraDropout, DevicesDropTheSame) {
  const Tensor keys = some_keys(100), input = torch::randn({100, 64});
  for (const double probability : {0.001, 0.05, 0.5, 0.9}) {
    const LoraDropout dropout{probability, 3, 4};
    const Tensor expected = dropout(input, keys, 6);
    EXPECT_TRUE(torch::equal(input * lora_dropout_mask_on_device(dropout, keys, 64, 6), expected));
    if (!has_gpu()) continue;
    EXPECT_TRUE(torch::equal(dropout(input.cuda(), keys.cuda(), 6).cpu(), expected));
  }
}

}  // namespace
}  // namespace serendip
