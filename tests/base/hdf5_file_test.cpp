#include "base/hdf5_file.h"

#include <gtest/gtest.h>
#include <hdf5.h>

#include <chrono>
#include <thread>

#include "base/file.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

TEST(Hdf5File, RoundTrip) {
  const TemporaryFolder folder;
  write_hdf5(folder / "a.h5", [](Hdf5File& file) {
    const std::vector<int32_t> matrix = {1, 2, 3, 4, 5, 6};
    file.write<int32_t>("/group/matrix", matrix, {2, 3});
    file.write_strings("/group/names", {"a", "", "ünï"});
    file.create_growable<float>("/grown", {2});
    file.append<float>("/grown", std::vector<float>{1, 2});
    file.append<float>("/grown", std::vector<float>{3, 4, 5, 6});
    file.write<double>("/empty", std::vector<double>{});
    file.write_attribute("hash", "abc");
  });
  const Hdf5File file = Hdf5File::open(folder / "a.h5");
  EXPECT_EQ(file.shape("/group/matrix"), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(file.read_rows<int32_t>("/group/matrix", 1, 2), (std::vector<int32_t>{4, 5, 6}));
  EXPECT_EQ(file.read_strings("/group/names"), (std::vector<std::string>{"a", "", "ünï"}));
  EXPECT_EQ(file.read<double>("/grown"), (std::vector<double>{1, 2, 3, 4, 5, 6}));
  EXPECT_TRUE(file.read<double>("/empty").empty());
  EXPECT_EQ(file.read_attribute("hash"), "abc");
  EXPECT_EQ(file.read_attribute("absent"), "");
  EXPECT_EQ(file.children("/"), (std::vector<std::string>{"empty", "group", "grown"}));
  EXPECT_TRUE(file.has("/group/names"));
  EXPECT_FALSE(file.has("/other/names"));
  EXPECT_EQ(file.dtype("/grown"), "f32");
}

TEST(Hdf5File, SameContentIsTheSameBytes) {
  const TemporaryFolder folder;
  const auto write = [&](const char* name) {
    write_hdf5(folder / name, [](Hdf5File& file) {
      file.write("/group/numbers", std::vector<float>{1, 2});
      file.write_strings("/group/names", {"a", "bc"});
      file.create_growable<int64_t>("/grown");
      file.append<int64_t>("/grown", std::vector<int64_t>{1, 2, 3});
      file.link_external("/link", "b.h5", "/x");
      file.write_attribute("hash", "abc");
    });
    return read_file(folder / name);
  };
  const std::string first = write("a.h5");
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // HDF5 counts seconds
  EXPECT_TRUE(write("b.h5") == first);
}

TEST(Hdf5File, ErrorsNameFileAndDataset) {
  const TemporaryFolder folder;
  write_hdf5(folder / "a.h5", [](Hdf5File&) {});
  const Hdf5File file = Hdf5File::open(folder / "a.h5");
  EXPECT_NE(error_of([&] { file.read<float>("/x"); }).find("a.h5: no dataset '/x'"),
            std::string::npos);
  write_file(folder / "b.h5", "not hdf5");
  EXPECT_NE(error_of([&] { Hdf5File::open(folder / "b.h5"); }).find("not an HDF5 file"),
            std::string::npos);
}

// As damage, or a writer that stopped, would leave it.
TEST(Hdf5File, ValuesThatWereNeverWrittenAreRefused) {
  const TemporaryFolder folder;
  const hid_t file = H5Fcreate((folder / "a.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t size = hsize_t{1} << 40, chunk = 1024;
  const hid_t space = H5Screate_simple(1, &size, nullptr);
  const hid_t layout = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(layout, 1, &chunk);
  H5Dclose(H5Dcreate2(file, "/x", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, layout, H5P_DEFAULT));
  const hid_t nothing = H5Screate(H5S_NULL);
  H5Dclose(
      H5Dcreate2(file, "/none", H5T_NATIVE_FLOAT, nothing, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  for (const hid_t id : {space, nothing}) H5Sclose(id);
  H5Pclose(layout);
  H5Fclose(file);
  const Hdf5File opened = Hdf5File::open(folder / "a.h5");
  EXPECT_EQ(error_of([&] { opened.read<float>("/x"); }),
            (folder / "a.h5").string() +
                ": dataset '/x' has 1099511627776 values, but the file holds 0 bytes of it");
  EXPECT_EQ(opened.read<float>("/none"), std::vector<float>());
}

TEST(Hdf5File, ExternalLinksResolveBesideTheFile) {
  const TemporaryFolder folder;
  write_hdf5(folder / "a.h5",
             [](Hdf5File& file) { file.link_external("/group/x", "b.h5", "/values"); });
  EXPECT_FALSE(Hdf5File::open(folder / "a.h5").has("/group/x"));
  write_hdf5(folder / "b.h5", [](Hdf5File& file) { file.write("/other", std::vector<float>{1}); });
  EXPECT_FALSE(Hdf5File::open(folder / "a.h5").has("/group/x"));
  write_hdf5(folder / "b.h5", [](Hdf5File& file) { file.write("/values", std::vector<float>{2}); });
  const Hdf5File file = Hdf5File::open(folder / "a.h5");
  EXPECT_TRUE(file.has("/group/x"));
  EXPECT_EQ(file.read<float>("/group/x"), std::vector<float>{2});
}

}  // namespace
}  // namespace serendip
