// Bad input is one clear line, exit code 1, and nothing half-written. Needs the stage `import`.
#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/base/temporary_folder.h"
#include "tests/cli/command_line.h"
#include "tests/cli/small_world.h"

namespace serendip {
namespace {

class BadInput : public testing::Test {
 protected:
  BadInput() { write_small_world(folder.path(), ""); }

  // The error line of `import`, which must fail and leave nothing.
  std::string import_error(const CommandSetting& setting = {},
                           const std::vector<std::string>& overrides = {}) {
    std::vector<std::string> arguments = {"import", "--recipe", "recipe.yaml"};
    arguments.insert(arguments.end(), overrides.begin(), overrides.end());
    const CommandResult result = run_command(folder.path(), arguments, setting);
    EXPECT_EQ(result.exit_code, 1) << result.out << result.err;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
      const std::string name = entry.path().filename().string();
      EXPECT_FALSE(name.find("data.h5") != std::string::npos || name == "import.json")
          << "left behind: " << entry.path();
    }
    EXPECT_NE(result.error_line(), "") << result.err;
    return result.error_line();
  }

  TemporaryFolder folder;
};

TEST_F(BadInput, MissingFile) {
  std::filesystem::remove(folder / "events.csv");
  EXPECT_NE(import_error().find("events.csv"), std::string::npos);
}

TEST_F(BadInput, EmptyFile) {
  write_file(folder / "events.csv", "");
  EXPECT_NE(import_error().find("events.csv"), std::string::npos);
}

TEST_F(BadInput, MissingColumn) {
  const std::string error = import_error({}, {"import.event_time=when"});
  EXPECT_NE(error.find("events.csv"), std::string::npos) << error;
  EXPECT_NE(error.find("when"), std::string::npos) << error;
}

TEST_F(BadInput, MoreBadRowsThanAllowed) {
  write_file(folder / "events.csv", read_file(folder / "events.csv") + "user1,0-1,yesterday,5\n");
  EXPECT_NE(import_error({}, {"import.max_bad_rows=0"}).find("events.csv"), std::string::npos);
}

TEST_F(BadInput, BinaryRubbish) {
  std::string rubbish;
  for (int i = 0; i < 5000; ++i) rubbish += static_cast<char>(i * 7 % 256);
  write_file(folder / "events.csv", rubbish);
  EXPECT_NE(import_error().find("events.csv"), std::string::npos);
}

TEST_F(BadInput, FullDisk) {
  const std::string error = import_error({.file_size_limit = 4096});
  EXPECT_NE(error.find("run/import.parts/"), std::string::npos) << error;
  EXPECT_NE(error.find("cannot write"), std::string::npos) << error;
}

// Before any world is made.
TEST_F(BadInput, ImpossibleExperiments) {
  const auto error_of = [&](const std::string& setting) {
    const CommandResult result =
        run_command(folder.path(), {"simulate", "experiment", "run.folder=made", setting});
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_FALSE(std::filesystem::exists(folder / "made" / "experiment")) << setting;
    return result.error_line();
  };
  const auto says = [](const std::string& error, const char* part) {
    EXPECT_NE(error.find(part), std::string::npos) << error;
  };
  says(error_of("experiment.arms=['control: random', 'control: popularity']"), "'control'");
  says(error_of("experiment.arms=['control: guess']"), "'control: guess'");
  says(error_of("experiment.arms=['control: random', 'llm: table path=none.h5']"), "none.h5");
  says(error_of("experiment.grid_accuracy=[2]"), "experiment.grid_accuracy");
  says(error_of("world.users=0"), "world.users");
}

}  // namespace
}  // namespace serendip
