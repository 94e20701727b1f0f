// `serendip report` on a run that has just begun.
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/gnuplot.h"
#include "tests/base/temporary_folder.h"
#include "tests/cli/command_line.h"
#include "tests/cli/small_world.h"

namespace serendip {
namespace {

CommandResult command(const TemporaryFolder& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--recipe", "recipe.yaml"});
  return run_command(folder.path(), arguments);
}

TEST(Report, ShowsWhatIsThereAndIsMadeAgainWhereThatChanged) {
  if (!gnuplot_is_installed()) GTEST_SKIP() << "gnuplot is not installed";
  const TemporaryFolder folder;
  write_small_world(folder.path(), "");
  ASSERT_EQ(command(folder, {"import"}).exit_code, 0);
  const CommandResult first = command(folder, {"report", "--json"});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_GT(nlohmann::json::parse(first.out).at("missing"), 5);
  const std::string before = read_file(folder / "run/report.html");
  EXPECT_NE(before.find("No tree.h5 in this run; <code>serendip cluster</code>"),
            std::string::npos);
  for (const char* made_with : {"commit ", "LibTorch 2.", "HDF5 1.", "Arrow ", "METIS 5."})
    EXPECT_NE(before.find(made_with), std::string::npos) << made_with;
  EXPECT_NE(command(folder, {"report"}).err.find("report: unchanged, skipped"), std::string::npos);
  ASSERT_EQ(command(folder, {"embed"}).exit_code, 0);
  ASSERT_EQ(command(folder, {"cluster"}).exit_code, 0);
  const CommandResult again = command(folder, {"report"});
  EXPECT_NE(again.err.find("report: starts"), std::string::npos) << again.err;
  EXPECT_EQ(read_file(folder / "run/report.html").find("No tree.h5"), std::string::npos);
}

TEST(Report, WithoutGnuplotIsLeftOutOfARunAndRefusedByHand) {
  const TemporaryFolder folder;
  write_small_world(folder.path(), "");
  const char* had = std::getenv("PATH");
  const std::string path = had != nullptr ? had : "";
  setenv("PATH", folder.path().c_str(), 1);
  const CommandResult run = command(folder, {"run", "--until", "curate"});
  const CommandResult report = command(folder, {"report"});
  setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.err.find("report: left out: gnuplot is not installed"), std::string::npos);
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_NE(report.error_line().find("gnuplot-nox"), std::string::npos) << report.err;
  EXPECT_FALSE(std::filesystem::exists(folder / "run/report.html"));
}

TEST(Report, OfNoFolderIsRefused) {
  const TemporaryFolder folder;
  const CommandResult result = run_command(folder.path(), {"report", "run.folder=absent"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_FALSE(std::filesystem::exists(folder / "absent"));
  EXPECT_NE(result.error_line().find("'absent/data.h5'; `serendip import` makes it"),
            std::string::npos)
      << result.err;
}

}  // namespace
}  // namespace serendip
