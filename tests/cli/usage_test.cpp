#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "base/file.h"
#include "tests/base/temporary_folder.h"
#include "tests/cli/command_line.h"

namespace serendip {
namespace {

constexpr int64_t kScreenLines = 30;

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

class Help : public testing::TestWithParam<const char*> {};

TEST_P(Help, FitsOneScreenAndListsTheKeys) {
  const TemporaryFolder folder;
  std::vector<std::string> arguments = words(GetParam());
  arguments.push_back("--help");
  const CommandResult result = run_command(folder.path(), arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("Usage: serendip"), std::string::npos);
  const std::string usage = result.out.substr(0, result.out.find("\nKeys:"));
  EXPECT_LE(std::count(usage.begin(), usage.end(), '\n'), kScreenLines) << usage;
  std::istringstream lines(usage);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
}

INSTANTIATE_TEST_SUITE_P(Commands, Help,
                         testing::Values("", "run", "simulate", "simulate world", "import",
                                         "pretrain", "embed", "cluster", "curate", "sft", "eval",
                                         "generate", "recommend", "recommend train",
                                         "recommend eval", "recommend users", "serve", "score",
                                         "tokenize", "inspect", "table", "table labels",
                                         "table compare", "table blend"));

TEST(HelpOfAStage, ShowsTypeDefaultAndConstraint) {
  const TemporaryFolder folder;
  const CommandResult result = run_command(folder.path(), {"generate", "--help"});
  EXPECT_NE(result.out.find("run.folder"), std::string::npos);
  EXPECT_NE(result.out.find("model.path"), std::string::npos);
  EXPECT_NE(result.out.find("generate.mode"), std::string::npos);
  EXPECT_NE(result.out.find("one of "), std::string::npos);
  EXPECT_EQ(result.out.find("cluster.clusters"), std::string::npos);
}

class Misuse : public testing::TestWithParam<const char*> {};

TEST_P(Misuse, IsOneLineAndExitCode2) {
  const TemporaryFolder folder;
  const CommandResult result = run_command(folder.path(), words(GetParam()));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.error_line(), "") << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  EXPECT_EQ(result.out, "");
}

INSTANTIATE_TEST_SUITE_P(Arguments, Misuse,
                         testing::Values("", "clutser", "import --bogus", "recommend",
                                         "recommend everyone", "inspect", "tokenize",
                                         "score --model m", "simulate", "run --recipe",
                                         "inspect a b"));

TEST(UnknownKey, NamesTheNearest) {
  const TemporaryFolder folder;
  const CommandResult result = run_command(folder.path(), {"run", "sft.stpes=3"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.error_line(),
            "serendip: command line: unknown key 'sft.stpes' (nearest: 'sft.steps')");
}

TEST(UnknownKey, InAFileNamesItsLine) {
  const TemporaryFolder folder;
  write_file(folder / "r.yaml", "run:\n  folder: x\ncluster:\n  clutsers: 3\n");
  const CommandResult result = run_command(folder.path(), {"import", "--recipe", "r.yaml"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.error_line(),
            "serendip: r.yaml:4: unknown key 'cluster.clutsers' (nearest: 'cluster.clusters')");
}

TEST(WrongValue, NamesKeyAndValue) {
  const TemporaryFolder folder;
  const CommandResult result = run_command(folder.path(), {"sft", "sft.steps=many"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.error_line().find("sft.steps: expected int, got 'many'"), std::string::npos)
      << result.err;
}

TEST(MissingRecipe, IsNamed) {
  const TemporaryFolder folder;
  const CommandResult result = run_command(folder.path(), {"run", "--recipe", "absent.yaml"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.error_line().find("absent.yaml"), std::string::npos) << result.err;
}

TEST(MissingArtifact, NamesTheCommandThatMakesIt) {
  const TemporaryFolder folder;
  const CommandResult result = run_command(folder.path(), {"cluster", "run.folder=r"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.error_line().find("'r/data.h5'; `serendip import` makes it"), std::string::npos)
      << result.err;
  EXPECT_FALSE(std::filesystem::exists(folder / "r"));
}

TEST(MissingModel, IsAskedFor) {
  const TemporaryFolder folder;
  const CommandResult result = run_command(folder.path(), {"sft"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.error_line().find("model.path"), std::string::npos) << result.err;
}

TEST(Version, IsPrinted) {
  const TemporaryFolder folder;
  const CommandResult result = run_command(folder.path(), {"--version"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '.'), 2) << result.out;
}

}  // namespace
}  // namespace serendip
