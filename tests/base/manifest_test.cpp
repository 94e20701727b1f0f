#include "base/manifest.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/file_lock.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

class ManifestTest : public testing::Test {
 protected:
  ManifestTest() { write_file(folder / "in", "1"); }
  StageOutcome run(const std::string& settings) {
    return run_stage(folder.path(), {"copy", settings, {folder / "in"}, {folder / "out"}, [&] {
                                       ++runs;
                                       write_file(folder / "out", read_file(folder / "in"));
                                       return nlohmann::json{{"runs", runs}};
                                     }});
  }
  TemporaryFolder folder;
  int runs = 0;
};

TEST_F(ManifestTest, SkipsWhatIsUnchanged) {
  EXPECT_FALSE(run("a").skipped);
  const StageOutcome second = run("a");
  EXPECT_TRUE(second.skipped);
  EXPECT_EQ(second.result.at("runs"), 1);
}

TEST_F(ManifestTest, RunsAgainAfterAnyChange) {
  run("a");
  EXPECT_FALSE(run("b").skipped);
  write_file(folder / "in", "2");
  EXPECT_FALSE(run("b").skipped);
  write_file(folder / "out", "tampered");
  EXPECT_FALSE(run("b").skipped);
  std::filesystem::remove(folder / "out");
  EXPECT_FALSE(run("b").skipped);
  EXPECT_EQ(read_file(folder / "out"), "2");
}

TEST_F(ManifestTest, RefusesAnInputThatIsNotAsItsMakerLeftIt) {
  run("a");
  const auto next = [&] {
    run_stage(folder.path(), {"next", "", {folder / "out"}, {}, [] { return nlohmann::json(); }});
  };
  EXPECT_NO_THROW(next());
  write_file(folder / "out", "2");
  EXPECT_EQ(error_of(next), (folder / "out").string() + ": damaged or changed since " +
                                (folder / "manifests/copy.json").string() +
                                " was written; run that stage again, or remove the manifest if the "
                                "change is meant");
  run_stage(folder.path(), {"edit", "", {}, {folder / "out"}, [] { return nlohmann::json(); }});
  EXPECT_NO_THROW(next());  // another stage stands for it
  write_file(folder / "out", "3");
  std::filesystem::remove(folder / "manifests/copy.json");
  std::filesystem::remove(folder / "manifests/edit.json");
  EXPECT_NO_THROW(next());
}

TEST_F(ManifestTest, RemovesWhatAKilledProcessLeft) {
  write_file(folder / "out.tmp.12345", "half");
  run("a");
  EXPECT_FALSE(std::filesystem::exists(folder / "out.tmp.12345"));
}

TEST_F(ManifestTest, OneProcessAtATime) {
  {
    const FileLock other(folder / "manifests/copy.lock");
    EXPECT_TRUE(other.held());
    EXPECT_EQ(error_of([&] { run("a"); }),
              "copy: another process is at it in " + folder.path().string() + "; wait or end it");
  }
  EXPECT_FALSE(run("a").skipped);
}

TEST_F(ManifestTest, AHalfWrittenManifestCountsAsNone) {
  run("a");
  write_file(folder.path() / "manifests" / "copy.json", "{\"stage\":");
  EXPECT_FALSE(run("a").skipped);
}

}  // namespace
}  // namespace serendip
