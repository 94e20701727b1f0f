#include "base/file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/check.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

TEST(WriteAtomically, KeepsTheOldContentOnFailure) {
  const TemporaryFolder folder;
  write_file(folder / "a.txt", "old");
  EXPECT_THROW(write_atomically(folder / "a.txt",
                                [](const std::filesystem::path& temporary) {
                                  std::ofstream(temporary) << "half";
                                  fail("no");
                                }),
               Error);
  EXPECT_EQ(read_file(folder / "a.txt"), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(WriteFile, FullDiskIsOneClearError) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "/dev/full is absent";
  // A folder on a full device cannot be made without privileges; a link to /dev/full behaves like
  // one.
  const TemporaryFolder folder;
  const std::string error = error_of([&] {
    write_atomically(folder / "a.txt", [&](const std::filesystem::path& temporary) {
      std::filesystem::create_symlink("/dev/full", temporary);
      std::ofstream out(temporary);
      out << "x";
      out.flush();
      SERENDIP_CHECK(out.good(), "{}: cannot write: {}", temporary.string(), strerror(errno));
    });
  });
  EXPECT_NE(error.find("No space left"), std::string::npos) << error;
  EXPECT_FALSE(std::filesystem::exists(folder / "a.txt"));
}

TEST(ReadFile, NamesWhatIsMissing) {
  EXPECT_NE(error_of([] { read_file("/nonexistent/x"); }).find("/nonexistent/x"),
            std::string::npos);
}

}  // namespace
}  // namespace serendip
