#include "lm/lora_dropout.h"

#include <ATen/Parallel.h>

#include <limits>

#include "base/random.h"

namespace serendip {
namespace {

using torch::Tensor;

// What random_bits(seed, stream, counter) begins from and is compared with.
struct Draw {
  uint64_t key, threshold;  // dropped below it
  float kept;               // what a value that stays is multiplied with

  Draw(const LoraDropout& dropout, int64_t module)
      : key(mix_bits(mix_bits(dropout.seed) ^ mix_bits(dropout.step) ^
                     static_cast<uint64_t>(module))),
        threshold(static_cast<uint64_t>(dropout.probability * 0x1.0p63) * 2),
        kept(static_cast<float>(1 / (1 - dropout.probability))) {}
};

Tensor mask_on_cpu(const Draw& draw, const Tensor& path_keys, int64_t columns) {
  const int64_t rows = path_keys.numel();
  Tensor mask = torch::empty({rows, columns});
  auto* out = mask.mutable_data_ptr<float>();
  const auto* keys = path_keys.const_data_ptr<int64_t>();
  at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const auto key = static_cast<uint64_t>(keys[row]);
      for (int64_t i = 0; i < columns; ++i) {
        const uint64_t bits = mix_bits(draw.key ^ (key + static_cast<uint64_t>(i)));
        out[row * columns + i] = bits < draw.threshold ? 0 : draw.kept;
      }
    }
  });
  return mask;
}

int64_t as_signed(uint64_t bits) { return static_cast<int64_t>(bits); }

// x ^= x >> shift, shifting zeros in.
void fold(Tensor& x, int64_t shift) {
  x.bitwise_xor_(x.bitwise_right_shift(shift).bitwise_and_(as_signed(~uint64_t{0} >> shift)));
}

}  // namespace

// mix_bits() in 64-bit integers that wrap around.
Tensor lora_dropout_mask_on_device(const LoraDropout& dropout, const Tensor& path_keys,
                                   int64_t columns, int64_t module) {
  const Draw draw(dropout, module);
  Tensor bits = path_keys.unsqueeze(1) + torch::arange(columns, path_keys.options()).unsqueeze(0);
  bits.bitwise_xor_(as_signed(draw.key)).add_(as_signed(0x9e3779b97f4a7c15ull));
  fold(bits, 30);
  bits.mul_(as_signed(0xbf58476d1ce4e5b9ull));
  fold(bits, 27);
  bits.mul_(as_signed(0x94d049bb133111ebull));
  fold(bits, 31);
  // Unsigned order is signed order once the highest bit is turned.
  constexpr int64_t kHighest = std::numeric_limits<int64_t>::min();
  const Tensor stays = bits.bitwise_xor_(kHighest).ge(as_signed(draw.threshold) ^ kHighest);
  return stays.to(torch::kFloat32).mul_(draw.kept);
}

Tensor LoraDropout::operator()(const Tensor& input, const Tensor& path_keys, int64_t module) const {
  if (probability == 0) return input;
  const int64_t columns = input.size(1);
  const Tensor mask = input.is_cpu()
                          ? mask_on_cpu(Draw(*this, module), path_keys, columns)
                          : lora_dropout_mask_on_device(*this, path_keys, columns, module);
  return input * mask.to(input.options());
}

}  // namespace serendip
