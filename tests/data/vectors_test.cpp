#include "data/vectors.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/check.h"
#include "base/file.h"
#include "base/hdf5_file.h"
#include "tests/base/temporary_folder.h"
#include "tests/data/parquet_fixture.h"

namespace serendip {
namespace {

const std::vector<std::string> kItems = {"a", "b", "c"};

// As numpy.save writes it (version 1).
template <typename T>
std::string npy(const std::string& dictionary, const std::vector<T>& values) {
  std::string header = dictionary;
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(header.size() % 256);
  file += static_cast<char>(header.size() / 256);
  file += header;
  file.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  return file;
}

std::string npy_header(const char* type, const char* order, const char* shape) {
  return fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}", type, order, shape);
}

class Vectors : public testing::Test {
 protected:
  ItemVectors read(const std::string& name) {
    return read_item_vectors(folder_ / name, "item_id", "embedding", kItems);
  }
  void expect_error(const std::string& name, const std::string& text) {
    const std::string error = error_of([&] { read(name); });
    EXPECT_NE(error.find(text), std::string::npos) << error;
  }
  TemporaryFolder folder_;
  std::vector<float> values_ = {1, 2, 3, 4, 5, 6};
};

TEST_F(Vectors, FromNumPy) {
  write_file(folder_ / "f.npy", npy<float>(npy_header("<f4", "False", "(3, 2)"), values_));
  EXPECT_EQ(read("f.npy").values, values_);
  EXPECT_EQ(read("f.npy").dimensions, 2);
  write_file(folder_ / "d.npy",
             npy<double>(npy_header("<f8", "False", "(3, 2)"), {values_.begin(), values_.end()}));
  EXPECT_EQ(read("d.npy").values, values_);
}

TEST_F(Vectors, NumPyFilesThatDoNotFitAreRefused) {
  const auto write = [&](const char* type, const char* order, const char* shape) {
    write_file(folder_ / "x.npy", npy<float>(npy_header(type, order, shape), values_));
  };
  write("<f4", "False", "(2, 3)");
  expect_error("x.npy", "x.npy: 2 rows, expected 3");
  write("<f4", "True", "(3, 2)");
  expect_error("x.npy", "in C order, got descr '<f4', fortran_order True, shape (3, 2)");
  write("<i4", "False", "(3, 2)");
  expect_error("x.npy", "expected float32 or float64");
  write("<f4", "False", "(6,)");
  expect_error("x.npy", "expected float32 or float64");
  write("<f4", "False", "(3, 2, 1)");
  expect_error("x.npy", "expected float32 or float64");
  write("<f4", "False", "(3, 4)");
  expect_error("x.npy", "x.npy: ends early");
  values_[3] = NAN;
  write("<f4", "False", "(3, 2)");
  expect_error("x.npy", "the vector of item 'b' holds nan");
  write_file(folder_ / "x.npy", "text");
  expect_error("x.npy", "not a .npy file");
  expect_error("absent.npy", "absent.npy: cannot open");
  expect_error("x.txt", "expected FILE.npy, FILE.h5:/dataset or FILE.parquet");
}

TEST_F(Vectors, FromHdf5) {
  write_hdf5(folder_ / "v.h5", [&](Hdf5File& file) {
    file.write<double>("/group/vectors", std::vector<double>(values_.begin(), values_.end()),
                       {3, 2});
    file.write("/flat", values_);
  });
  EXPECT_EQ(read("v.h5:/group/vectors").values, values_);
  expect_error("v.h5:/flat", "v.h5: dataset '/flat' is f32 [6], expected floats [items,");
  expect_error("v.h5:/none", "v.h5: no dataset '/none'");
}

TEST_F(Vectors, FromParquetById) {
  write_parquet_vectors(folder_ / "v.parquet", {"c", "x", "a"}, {{5, 6}, {0, 0}, {1, 2}},
                        VectorType::kFloatList);
  EXPECT_EQ(read("v.parquet").values, (std::vector<float>{1, 2, 0, 0, 5, 6}));
  write_parquet_vectors(folder_ / "w.parquet", {"a", "a"}, {{5, 6}, {0, 0}},
                        VectorType::kFloatList);
  expect_error("w.parquet", "w.parquet: item 'a' is given twice");
  write_parquet_vectors(folder_ / "w.parquet", {"a", "b"}, {{5, 6}, {0}}, VectorType::kFloatList);
  expect_error("w.parquet", "w.parquet: item 'b' has 1 dimensions, the first has 2");
  write_parquet_vectors(folder_ / "w.parquet", {"x"}, {{5, 6}}, VectorType::kFloatList);
  expect_error("w.parquet", "w.parquet: none of its 1 ids in column 'item_id' is an item's");
}

}  // namespace
}  // namespace serendip
