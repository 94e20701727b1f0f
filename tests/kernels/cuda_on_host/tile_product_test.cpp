// Products of tiles against those of matrices in double, and what they refuse.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/kernels/cuda_on_host.h"
#include "tests/kernels/cuda_on_host/testing.h"

namespace cuda_on_host {
namespace {

using serendip::BFloat16;
using serendip::Float16;
using serendip::device::Product;
namespace device = serendip::device;

class CudaOnHostTiles : public ::testing::TestWithParam<Schedule> {};
INSTANTIATE_TEST_SUITE_P(Schedules, CudaOnHostTiles, ::testing::ValuesIn(kSchedules),
                         ::testing::PrintToStringParamName());

float narrowed(float value, float*) { return value; }
BFloat16 narrowed(float value, BFloat16*) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return {static_cast<uint16_t>(bits >> 16)};
}
// Exact for multiples of 1/64 below 16.
Float16 narrowed(float value, Float16*) {
  if (value == 0.0f) return {0};
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  const uint32_t exponent = (bits >> 23 & 0xff) - 112;
  return {static_cast<uint16_t>((bits >> 16 & 0x8000) | exponent << 10 | (bits >> 13 & 0x3ff))};
}

struct TileShape {
  int a_stride, b_stride, c_stride, depth;
};
constexpr TileShape kTileShapes[] = {
    {16, 16, 16, 16}, {40, 32, 24, 32}, {48, 56, 16, 48}, {72, 72, 40, 64}};
constexpr float kBefore = 0.75f;

// NOLINTBEGIN(google-readability-casting): it takes a template's comparison for a cast
template <Product kProduct>
constexpr bool kARows = kProduct != Product::kColumnsByColumns;
template <Product kProduct>
constexpr bool kBRows = kProduct == Product::kRowsByRows;
// NOLINTEND(google-readability-casting)

// Warp 0 writes its C [16, 16], warp 1 adds to one that is kBefore everywhere.
template <Product kProduct, typename T>
__global__ void tile_kernel(const T* a, const T* b, float* c, TileShape shape) {
  DYNAMIC_SHARED(T, a_tile);
  const int a_width = kARows<kProduct> ? shape.depth : 16;
  const int b_width = kBRows<kProduct> ? shape.depth : 16;
  T* b_tile = a_tile + 16 * shape.depth / a_width * shape.a_stride;
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  float* c_tile = reinterpret_cast<float*>(b_tile + 16 * shape.depth / b_width * shape.b_stride) +
                  warp * 16 * shape.c_stride;
  for (int place = lane; place < 16 * shape.depth; place += 32)
    if (warp == 0)
      a_tile[place / a_width * shape.a_stride + place % a_width] = a[place];
    else
      b_tile[place / b_width * shape.b_stride + place % b_width] = b[place];
  if (warp == 1)
    for (int place = lane; place < 256; place += 32)
      c_tile[place / 16 * shape.c_stride + place % 16] = kBefore;
  __syncthreads();
  device::tile_product<kProduct>(a_tile, shape.a_stride, b_tile, shape.b_stride, c_tile,
                                 shape.c_stride, shape.depth, warp == 1);
  for (int place = lane; place < 256; place += 32)
    c[warp * 256 + place] = c_tile[place / 16 * shape.c_stride + place % 16];
}

template <Product kProduct, typename T>
size_t tile_bytes(const TileShape& shape) {
  const int a_height = kARows<kProduct> ? 16 : shape.depth;
  const int b_height = kBRows<kProduct> ? 16 : shape.depth;
  return static_cast<size_t>(a_height * shape.a_stride + b_height * shape.b_stride) * sizeof(T) +
         static_cast<size_t>(2 * 16 * shape.c_stride) * kFloatBytes;
}

template <Product kProduct, typename T>
void expect_tile_product(Schedule schedule, const TileShape& shape) {
  const auto depth = static_cast<size_t>(shape.depth);
  serendip::Random random(depth);
  std::vector<T> a(16 * depth), b(16 * depth);
  for (std::vector<T>* tile : {&a, &b})
    for (T& element : *tile)
      element =
          narrowed(static_cast<float>(random.below(257)) / 64.0f - 2.0f, static_cast<T*>(nullptr));
  std::vector<float> c = poisoned<float>(2 * 256);
  launch(schedule, tile_kernel<kProduct, T>, 1, 64, tile_bytes<kProduct, T>(shape),
         static_cast<const T*>(a.data()), static_cast<const T*>(b.data()), c.data(), shape);
  for (size_t row = 0; row < 16; ++row)
    for (size_t column = 0; column < 16; ++column) {
      double sum = 0.0;
      for (size_t place = 0; place < depth; ++place)
        sum +=
            static_cast<double>(
                serendip::to_float(a[kARows<kProduct> ? row * depth + place : place * 16 + row])) *
            serendip::to_float(b[kBRows<kProduct> ? column * depth + place : place * 16 + column]);
      // Multiples of 1/4096 up to 257, which float holds exactly.
      EXPECT_EQ(c[row * 16 + column], sum);
      EXPECT_EQ(c[256 + row * 16 + column], sum + kBefore);
    }
}

template <typename T>
void expect_tile_products(Schedule schedule) {
  for (const TileShape& shape : kTileShapes) {
    expect_tile_product<Product::kRowsByRows, T>(schedule, shape);
    expect_tile_product<Product::kRowsByColumns, T>(schedule, shape);
    expect_tile_product<Product::kColumnsByColumns, T>(schedule, shape);
  }
}

TEST_P(CudaOnHostTiles, TileProductIsThatOfMatrices) {
  expect_tile_products<float>(GetParam());
  expect_tile_products<BFloat16>(GetParam());
  expect_tile_products<Float16>(GetParam());
}

// Lanes write A and B and read C with no barrier of their own.
__global__ void tile_barrier_kernel(float* output) {
  DYNAMIC_SHARED(float, tiles);
  for (unsigned place = threadIdx.x; place < 512; place += 32)
    tiles[place] = place % 17 == 0 && place < 256 ? 1.0f : static_cast<float>(place);
  for (unsigned place = threadIdx.x; place < 256; place += 32)
    if (place % 17 != 0) tiles[place] = 0.0f;
  device::tile_product(tiles, 16, tiles + 256, 16, tiles + 512, 16, 16);
  for (unsigned place = threadIdx.x; place < 256; place += 32) output[place] = tiles[512 + place];
}

TEST_P(CudaOnHostTiles, TileProductIsABarrierOfItsWarp) {
  std::vector<float> output = poisoned<float>(256);
  launch(GetParam(), tile_barrier_kernel, 1, 32, 768 * kFloatBytes, output.data());
  for (size_t row = 0; row < 16; ++row)
    for (size_t column = 0; column < 16; ++column)
      EXPECT_EQ(output[16 * row + column], static_cast<float>(256 + 16 * column + row));
}

struct TileCall {
  int a = 0, a_stride = 16, b = 512, b_stride = 16, c = 1024, c_stride = 16, depth = 16;
  bool outside = false, lanes_differ = false;
};

// Offsets are in bytes from the shared memory's start.
template <typename T>
__global__ void tile_call_kernel(TileCall call, float* global) {
  DYNAMIC_SHARED(char, buffer);
  if (call.lanes_differ && threadIdx.x == 9) call.a += 32;
  float* c = call.outside ? global : reinterpret_cast<float*>(buffer + call.c);
  device::tile_product(reinterpret_cast<const T*>(buffer + call.a), call.a_stride,
                       reinterpret_cast<const T*>(buffer + call.b), call.b_stride, c, call.c_stride,
                       call.depth);
}

template <typename T = BFloat16>
std::string error_of_tile(TileCall call) {
  alignas(32) float global[256];
  return error_of(Schedule::kForward, tile_call_kernel<T>, 1, 32, 2048 + 32, call,
                  static_cast<float*>(global));
}

TEST(CudaOnHostTile, MisuseThrows) {
  EXPECT_EQ(error_of_tile({}), "");
  EXPECT_EQ(error_of_tile({.a = 32}), "");
  EXPECT_EQ(error_of_tile({.c = 1056}), "");
  const auto expect = [](const std::string& part, const TileCall& call) {
    const std::string error = error_of_tile(call);
    EXPECT_TRUE(contains(error, part)) << error;
    EXPECT_TRUE(contains(error, "tile_product_test.cpp:")) << error;
  };
  expect("depth: expected a positive multiple of 16, got 8", {.depth = 8});
  expect("depth: expected a positive multiple of 16, got 0", {.depth = 0});
  expect("a_stride: expected a multiple of 8, at least 16, got 20", {.a_stride = 20});
  expect("b_stride: expected a multiple of 8, at least 16, got 8", {.b_stride = 8});
  expect("c_stride: expected a multiple of 8, at least 16, got 20", {.c_stride = 20});
  expect("a is not aligned to 32 bytes", {.a = 16});
  expect("b is not aligned to 32 bytes", {.b = 528});
  expect("c is not aligned to 32 bytes", {.c = 1040});
  expect("b is not all in shared memory", {.b = 1600});
  expect("c is not all in shared memory", {.c = 1088});
  expect("c is not all in shared memory", {.outside = true});
  expect("thread 9: the arguments differ", {.lanes_differ = true});
}

// A row of 16 columns needs no stride of 32, but 32 rows need their place.
__global__ void column_call_kernel(bool enough) {
  DYNAMIC_SHARED(BFloat16, tiles);
  float* c = reinterpret_cast<float*>(tiles + 2 * 32 * 16);
  device::tile_product<Product::kColumnsByColumns>(tiles, 16, tiles + (enough ? 512 : 1152), 16, c,
                                                   16, 32);
}

TEST(CudaOnHostTile, ChecksTheShapeOfTheProduct) {
  const auto error = [](bool enough) {
    return error_of(Schedule::kForward, column_call_kernel, 1, 32, 2048 + 1024, enough);
  };
  EXPECT_EQ(error(true), "");
  EXPECT_TRUE(contains(error(false), "b is not all in shared memory"));
}

TEST(CudaOnHostTile, FloatsNeedHalfTheAlignment) {
  const TileCall call{.a = 16, .b = 16, .c = 1040};
  EXPECT_EQ(error_of_tile<float>(call), "");
  EXPECT_TRUE(contains(error_of_tile<float>({.a = 8}), "a is not aligned to 16 bytes"));
}

}  // namespace
}  // namespace cuda_on_host
