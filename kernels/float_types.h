// The element types that kernels take, as plain bits: the same on the CPU, on a GPU and in tests.
#pragma once

#include <cstdint>
#include <cstring>

#ifdef __CUDACC__
#include <cuda_fp16.h>
#define SERENDIP_HOST_DEVICE __host__ __device__
#else
#define SERENDIP_HOST_DEVICE
#endif

namespace serendip {

enum class FloatType { kFloat32, kBFloat16, kFloat16 };

struct BFloat16 {
  uint16_t bits;
};
struct Float16 {
  uint16_t bits;
};

SERENDIP_HOST_DEVICE inline float to_float(float value) { return value; }

SERENDIP_HOST_DEVICE inline float to_float(BFloat16 value) {
  const uint32_t bits = static_cast<uint32_t>(value.bits) << 16;
  float result;
  memcpy(&result, &bits, sizeof(result));
  return result;
}

SERENDIP_HOST_DEVICE inline float to_float(Float16 value) {
#ifdef __CUDA_ARCH__
  return __half2float(__ushort_as_half(value.bits));
#else
  const uint32_t exponent = value.bits >> 10 & 0x1f, fraction = value.bits & 0x3ff;
  uint32_t bits = static_cast<uint32_t>(value.bits & 0x8000) << 16;
  if (exponent == 0x1f) {
    bits |= 0x7f800000 | fraction << 13;
  } else if (exponent > 0) {
    bits |= (exponent + 112) << 23 | fraction << 13;
  } else {  // zero and subnormal: fraction · 2⁻²⁴
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    uint32_t magnitude_bits;
    memcpy(&magnitude_bits, &magnitude, sizeof(magnitude_bits));
    bits |= magnitude_bits;
  }
  float result;
  memcpy(&result, &bits, sizeof(result));
  return result;
#endif
}

// To the nearest, ties to even.
template <typename T>
SERENDIP_HOST_DEVICE inline T from_float(float value);

template <>
SERENDIP_HOST_DEVICE inline float from_float<float>(float value) {
  return value;
}

template <>
SERENDIP_HOST_DEVICE inline BFloat16 from_float<BFloat16>(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  const uint16_t upper = static_cast<uint16_t>(bits >> 16);
  if ((bits & 0x7fffffff) > 0x7f800000) return {static_cast<uint16_t>(upper | 0x40)};  // NaN
  return {static_cast<uint16_t>((bits + 0x7fff + (upper & 1)) >> 16)};
}

// Infinite from 65520 on.
template <>
SERENDIP_HOST_DEVICE inline Float16 from_float<Float16>(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  const uint32_t sign = bits >> 16 & 0x8000;
  bits &= 0x7fffffff;
  if (bits > 0x7f800000) return {static_cast<uint16_t>(sign | 0x7e00)};   // NaN
  if (bits >= 0x477ff000) return {static_cast<uint16_t>(sign | 0x7c00)};  // infinity
  if (bits >= 0x38800000)  // normal: the exponent's bias is 112 less
    return {static_cast<uint16_t>(sign | (bits - 0x38000000 + 0xfff + (bits >> 13 & 1)) >> 13)};
  float magnitude;
  memcpy(&magnitude, &bits, sizeof(magnitude));
  magnitude += 0.5f;  // whose last place is the smallest subnormal, 2⁻²⁴
  memcpy(&bits, &magnitude, sizeof(bits));
  return {static_cast<uint16_t>(sign | (bits - 0x3f000000))};
}

}  // namespace serendip
