// A vector of floats as wide as the instruction set that the unit is compiled for, and exp on it.
#pragma once

#include <cstdint>
#include <cstring>
#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace serendip {

// A namespace for each instruction set: of two inline functions of one name the linker keeps any.
#if defined(__AVX512F__)
inline namespace vectors_avx512 {
constexpr int kVectorLanes = 16;
#elif defined(__AVX2__)
inline namespace vectors_avx2 {
constexpr int kVectorLanes = 8;
#else
inline namespace vectors_portable {
constexpr int kVectorLanes = 4;
#endif

using Floats = float __attribute__((vector_size(kVectorLanes * 4)));
using Words = uint32_t __attribute__((vector_size(kVectorLanes * 4)));

inline Floats load_floats(const float* source) {
  Floats values;
  std::memcpy(&values, source, sizeof(values));
  return values;
}

inline void store_floats(Floats values, float* target) {
  std::memcpy(target, &values, sizeof(values));
}

inline Floats broadcast(float value) { return value - Floats{}; }

// a · b + c, rounded once where the machine can.
inline Floats multiply_add(Floats a, Floats b, Floats c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(__FMA__)
  return _mm256_fmadd_ps(a, b, c);
#else
  return a * b + c;
#endif
}

inline Floats maximum(Floats a, Floats b) { return a > b ? a : b; }

// Bit l: whether lane l of a reaches that of b.
inline uint32_t lanes_at_least(Floats a, Floats b) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ);
#elif defined(__AVX2__)
  return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GE_OQ)));
#else
  uint32_t mask = 0;
  for (int lane = 0; lane < kVectorLanes; ++lane)
    mask |= static_cast<uint32_t>(a[lane] >= b[lane]) << lane;
  return mask;
#endif
}

// x = n · log 2 + r with |r| <= log(2) / 2; the words hold n in their low bits. The polynomial is
// the minimax one of degree 6 for exp r with the first two coefficients 1: within 3.1e-9.
struct ReducedExp {
  Floats exp_r;
  Words n;
};

inline ReducedExp reduced_exp(Floats x) {
  constexpr float kMagic = 0x1.8p23f;  // adding it rounds to an integer
  const Floats shifted = multiply_add(x, broadcast(0x1.715476p0f), broadcast(kMagic));
  const Floats n = shifted - kMagic;
  Floats r = multiply_add(n, broadcast(-0x1.62e43p-1f), x);
  r = multiply_add(n, broadcast(0x1.05c61p-29f), r);
  Floats sum = broadcast(0x1.6a23dp-10f);
  sum = multiply_add(sum, r, broadcast(0x1.123a2p-7f));
  sum = multiply_add(sum, r, broadcast(0x1.5558f2p-5f));
  sum = multiply_add(sum, r, broadcast(0x1.555492p-3f));
  sum = multiply_add(sum, r, broadcast(0x1.fffffcp-2f));
  sum = multiply_add(sum, r, broadcast(1.0f));
  sum = multiply_add(sum, r, broadcast(1.0f));
  return {sum, reinterpret_cast<Words>(shifted)};
}

// For x in [-87, 88]: results that are normal numbers. Relative error below 1.2e-7.
inline Floats exp_normal(Floats x) {
  const ReducedExp reduced = reduced_exp(x);
  return reinterpret_cast<Floats>(reinterpret_cast<Words>(reduced.exp_r) + (reduced.n << 23));
}

// For x <= 0, -inf included. Relative error below 1.2e-7, and rounded once more where the result is
// below 2⁻¹²⁶; 0 from -104 down.
inline Floats exp_nonpositive(Floats x) {
  const ReducedExp reduced = reduced_exp(maximum(x, broadcast(-104.0f)));
  // 2ⁿ in two factors, since n reaches -150.
  const Words scale = (reduced.n << 23) + ((127u + 24u) << 23);
  return reduced.exp_r * reinterpret_cast<Floats>(scale) * 0x1p-24f;
}

}  // inline namespace
}  // namespace serendip
