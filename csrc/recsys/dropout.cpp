#include "recsys/dropout.h"

#include <ATen/Parallel.h>

#include <cmath>

#include "base/random.h"

namespace serendip {
namespace {

constexpr int64_t kValuesPerHash = 4, kBitsPerValue = 16;  // a probability is kept to 1 / 65536
constexpr int64_t kGrain = 1 << 12;

}  // namespace

void Dropout::begin_step(uint64_t step) {
  step_ = step;
  call_ = 0;
}

at::Tensor Dropout::operator()(const at::Tensor& values) {
  if (probability_ == 0.0) return values;
  const at::Tensor mask = at::empty(values.sizes(), at::kFloat);
  const auto threshold =
      static_cast<uint64_t>(std::llround(std::ldexp(probability_, kBitsPerValue)));
  const auto keep = static_cast<float>(1.0 / (1.0 - probability_));
  const uint64_t stream = mix_bits(step_) ^ call_++;
  float* factors = mask.data_ptr<float>();
  const int64_t count = mask.numel();
  const int64_t hashes = (count + kValuesPerHash - 1) / kValuesPerHash;
  at::parallel_for(0, hashes, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t hash = begin; hash < end; ++hash) {
      uint64_t bits = random_bits(seed_, stream, static_cast<uint64_t>(hash));
      const int64_t last = std::min(count, (hash + 1) * kValuesPerHash);
      for (int64_t at = hash * kValuesPerHash; at < last; ++at, bits >>= kBitsPerValue)
        factors[at] = (bits & 0xffff) < threshold ? 0.0f : keep;
    }
  });
  return values * mask.to(values.options());
}

}  // namespace serendip
