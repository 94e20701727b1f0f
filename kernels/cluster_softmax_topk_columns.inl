// The columns of kVectorLanes items at a time as vectors, widened to float32. Included by
// cluster_softmax_topk_tile.inl alone, whose rules hold here.
#include <cstdint>
#include <cstring>

#include "kernels/float_types.h"
#include "kernels/vector_math.h"

namespace serendip::cluster_softmax_topk_host {
namespace {

constexpr int64_t kLine = 64;  // bytes

using HalfWords = uint16_t __attribute__((vector_size(kVectorLanes * 2)));

inline Floats widened(HalfWords values, BFloat16) {
  return reinterpret_cast<Floats>(__builtin_convertvector(values, Words) << 16);
}

inline Floats widened(HalfWords values, Float16) {
#if defined(__AVX512F__)
  return _mm512_maskz_cvtph_ps(0xffff, reinterpret_cast<__m256i>(values));
#elif defined(__F16C__)
  return _mm256_cvtph_ps(reinterpret_cast<__m128i>(values));
#else
  Floats result;
  for (int lane = 0; lane < kVectorLanes; ++lane) result[lane] = to_float(Float16{values[lane]});
  return result;
#endif
}

inline float widened(float value) { return value; }

template <typename Half>
inline float widened(Half value) {
  return widened(HalfWords{} + value.bits, Half{})[0];
}

template <typename Half>
void widen_halves(const Half* values, int64_t count, float* result) {
  int64_t at = 0;
  for (; at + kVectorLanes <= count; at += kVectorLanes) {
    HalfWords halves;
    std::memcpy(&halves, values + at, sizeof(halves));
    store_floats(widened(halves, Half{}), result + at);
  }
  for (; at < count; ++at) result[at] = widened(values[at]);
}

void widen(const void* values, FloatType type, int64_t count, float* result) {
  switch (type) {
    case FloatType::kBFloat16:
      return widen_halves(static_cast<const BFloat16*>(values), count, result);
    case FloatType::kFloat16:
      return widen_halves(static_cast<const Float16*>(values), count, result);
    case FloatType::kFloat32:
      std::memcpy(result, values, static_cast<size_t>(count) * sizeof(float));
  }
}

// Four words of rows 0, 4, 8 … from `first` on, side by side.
inline Floats load_rows(const char* first, int64_t stride) {
  using Quad = float __attribute__((vector_size(16)));
  const auto quad = [=](int64_t row) {
    Quad words;
    std::memcpy(&words, first + row * stride, sizeof(words));
    return words;
  };
#if defined(__AVX512F__)
  const __m512 one = _mm512_insertf32x4(_mm512_castps128_ps512(quad(0)), quad(4), 1);
  return _mm512_insertf32x4(_mm512_insertf32x4(one, quad(8), 2), quad(12), 3);
#elif defined(__AVX2__)
  return __builtin_shufflevector(quad(0), quad(4), 0, 1, 2, 3, 4, 5, 6, 7);
#else
  return quad(0);
#endif
}

// In every four lanes: words i and j of a, then k and l of b.
template <int i, int j, int k, int l>
inline Floats shuffled(Floats a, Floats b) {
#if defined(__AVX512F__)
  return __builtin_shufflevector(a, b, i, j, k + 16, l + 16, i + 4, j + 4, k + 20, l + 20, i + 8,
                                 j + 8, k + 24, l + 24, i + 12, j + 12, k + 28, l + 28);
#elif defined(__AVX2__)
  return __builtin_shufflevector(a, b, i, j, k + 8, l + 8, i + 4, j + 4, k + 12, l + 12);
#else
  return __builtin_shufflevector(a, b, i, j, k + 4, l + 4);
#endif
}

// Four words of each of kVectorLanes rows: words[c] holds word c of every row.
inline void load_words(const char* first, int64_t stride, Floats (&words)[4]) {
  const Floats row0 = load_rows(first, stride), row1 = load_rows(first + stride, stride);
  const Floats row2 = load_rows(first + 2 * stride, stride);
  const Floats row3 = load_rows(first + 3 * stride, stride);
  const Floats even01 = shuffled<0, 2, 0, 2>(row0, row1), odd01 = shuffled<1, 3, 1, 3>(row0, row1);
  const Floats even23 = shuffled<0, 2, 0, 2>(row2, row3), odd23 = shuffled<1, 3, 1, 3>(row2, row3);
  words[0] = shuffled<0, 2, 0, 2>(even01, even23);
  words[1] = shuffled<0, 2, 0, 2>(odd01, odd23);
  words[2] = shuffled<1, 3, 1, 3>(even01, even23);
  words[3] = shuffled<1, 3, 1, 3>(odd01, odd23);
}

// The columns in the four words of every row, in ascending order.
inline void widen_columns(const Floats (&words)[4], float, Floats (&columns)[4]) {
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) columns[c] = words[c];
}

// A word holds two columns, the even one in its low half.
inline void widen_columns(const Floats (&words)[4], BFloat16, Floats (&columns)[8]) {
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    columns[2 * c] = reinterpret_cast<Floats>(reinterpret_cast<Words>(words[c]) << 16);
    columns[2 * c + 1] = reinterpret_cast<Floats>(reinterpret_cast<Words>(words[c]) & 0xffff0000u);
  }
}

inline void widen_columns(const Floats (&words)[4], Float16, Floats (&columns)[8]) {
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    const Words even = reinterpret_cast<Words>(words[c]), odd = even >> 16;
    columns[2 * c] = widened(__builtin_convertvector(even, HalfWords), Float16{});
    columns[2 * c + 1] = widened(__builtin_convertvector(odd, HalfWords), Float16{});
  }
}

// Memory that is asked for piece by piece.
struct Ahead {
  const char* at;

  void into_first_cache(int64_t lines) {
    for (; lines > 0; --lines, at += kLine) __builtin_prefetch(at, 0, 3);
  }
  void into_second_cache(int64_t lines) {
    for (; lines > 0; --lines, at += kLine) __builtin_prefetch(at, 0, 2);
  }
};

// A tile's memory, then the next tile's.
struct Upcoming {
  const char *tile, *next;
  int64_t tile_bytes;

  Ahead after(int64_t bytes) const {
    return {bytes < tile_bytes ? tile + bytes : next + (bytes - tile_bytes)};
  }
};

template <int kCount>
struct Panels {
  static constexpr int kPanels = kCount;  // of kVectorLanes items each
};

// Calls visit(p, column, values) for every column of kPanels panels, in ascending order. With kAsk,
// asks for as much memory as it reads.
template <bool kAsk, int kPanels, typename T, typename Visit>
[[gnu::always_inline]] inline void visit_columns(const T* items, int64_t width, Ahead ahead,
                                                 Visit visit) {
  constexpr auto kSize = static_cast<int64_t>(sizeof(T));
  constexpr int64_t kGroup = 16 / kSize;
  int64_t column = 0;
  for (; column + kGroup <= width; column += kGroup) {
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) {
      if constexpr (kAsk) {
#pragma GCC unroll 4
        for (int line = 0; line < kVectorLanes * 16 / kLine; ++line) ahead.into_first_cache(1);
      }
      const T* const first = items + p * kVectorLanes * width + column;
      Floats words[4], columns[kGroup];
      load_words(reinterpret_cast<const char*>(first), width * kSize, words);
      widen_columns(words, T{}, columns);
#pragma GCC unroll 8
      for (int c = 0; c < kGroup; ++c) visit(p, column + c, columns[c]);
    }
  }
  for (; column < width; ++column)
    for (int p = 0; p < kPanels; ++p) {
      Floats values;
      for (int64_t lane = 0; lane < kVectorLanes; ++lane)
        values[lane] = widened(items[(p * kVectorLanes + lane) * width + column]);
      visit(p, column, values);
    }
}

// Calls visit(Panels<n>, panel, items) for all items, n being kPanels or, for what is left, 1. The
// last panel is filled up with zeros, in `spare`, which has room for one.
template <int kPanels, typename T, typename Visit>
[[gnu::always_inline]] inline void visit_panels(const T* items, int64_t count, int64_t width,
                                                void* spare, Visit visit) {
  const int64_t whole = count / kVectorLanes, rest = count % kVectorLanes;
  const int64_t panel_size = kVectorLanes * width;
  int64_t panel = 0;
  for (; panel + kPanels <= whole; panel += kPanels)
    visit(Panels<kPanels>{}, panel, items + panel * panel_size);
  for (; panel < whole; ++panel) visit(Panels<1>{}, panel, items + panel * panel_size);
  if (rest == 0) return;
  const T* const last = static_cast<T*>(spare);
  std::memset(spare, 0, static_cast<size_t>(panel_size) * sizeof(T));
  std::memcpy(spare, items + whole * panel_size, static_cast<size_t>(rest * width) * sizeof(T));
  visit(Panels<1>{}, whole, last);
}

// packed[panel][column][lane].
template <typename T>
void pack(const T* items, int64_t count, int64_t width, float* packed, void* spare) {
  visit_panels<1>(items, count, width, spare, [&](auto, int64_t panel, const T* first) {
    float* const target = packed + panel * width * kVectorLanes;
    visit_columns<false, 1>(
        first, width,
        {nullptr}, [&](int, int64_t column, Floats values) __attribute__((always_inline)) {
          store_floats(values, target + column * kVectorLanes);
        });
  });
}

}  // namespace
}  // namespace serendip::cluster_softmax_topk_host
