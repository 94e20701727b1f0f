// Import to curate on a small world, killed at random moments and on disks that refuse to write:
// done again, they leave the bytes of an undisturbed run. SERENDIP_KILLS: how many kills (default
// 10).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

#include "base/file.h"
#include "base/random.h"
#include "tests/base/temporary_folder.h"
#include "tests/cli/command_line.h"
#include "tests/cli/small_world.h"
#include "tests/distributed/processes.h"

namespace serendip {
namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

const Texts kStages = {"import", "embed", "cluster", "curate"};

CommandResult run_stage_of(const TemporaryFolder& world, const std::string& stage,
                           const CommandSetting& setting = {}) {
  // Little memory, so that curate uses its scratch file.
  return run_command(world.path(), {stage, "--recipe", "recipe.yaml", "curate.memory=1"}, setting);
}

// Every file of the run folder but manifests, which hold times, and locks.
std::map<std::string, std::string> files_of(const TemporaryFolder& world) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(world / "run")) {
    const std::string name = fs::relative(entry.path(), world / "run").string();
    if (entry.is_regular_file() && !name.starts_with("manifests"))
      files[name] = read_file(entry.path());
  }
  return files;
}

Texts names_of(const std::map<std::string, std::string>& files) {
  Texts names;
  for (const auto& [name, content] : files) names.push_back(name);
  return names;
}

void expect_same_files(const TemporaryFolder& world, const TemporaryFolder& expected) {
  const auto files = files_of(world), wanted = files_of(expected);
  EXPECT_EQ(names_of(files), names_of(wanted));
  for (const auto& [name, content] : wanted)
    EXPECT_TRUE(files.contains(name) && files.at(name) == content) << name << " differs";
}

class Faults : public testing::Test {
 protected:
  void SetUp() override {
    write_small_world(undisturbed.path(), "");
    for (const std::string& stage : kStages) {
      const CommandResult result = run_stage_of(undisturbed, stage);
      ASSERT_EQ(result.exit_code, 0) << result.err;
      seconds[stage] = result.seconds;
    }
  }
  // All stages in a new world, one of which is killed after so many seconds and run again. Returns
  // whether it was killed.
  bool kill_and_go_on(const std::string& victim, double after) const {
    const TemporaryFolder world;
    write_small_world(world.path(), "");
    bool killed = false;
    for (const std::string& stage : kStages) {
      if (stage == victim)
        killed = run_stage_of(world, stage, {.signal_after = 1e-3 + after}).signal == SIGKILL;
      const CommandResult result = run_stage_of(world, stage);
      EXPECT_EQ(result.exit_code, 0) << stage << ": " << result.err;
    }
    expect_same_files(world, undisturbed);
    return killed;
  }

  TemporaryFolder undisturbed;
  std::map<std::string, double> seconds;
};

TEST_F(Faults, KilledAtRandomMoments) {
  const char* asked = std::getenv("SERENDIP_KILLS");
  const int kills = asked != nullptr ? std::atoi(asked) : 10;
  for (int trial = 0; trial < kills; ++trial) {
    SCOPED_TRACE(trial);
    Random random(8, static_cast<uint64_t>(trial));
    const std::string& victim = kStages[static_cast<size_t>(trial) % kStages.size()];
    // Again with half the time where the stage has ended before.
    for (double after = random.uniform() * seconds[victim]; !kill_and_go_on(victim, after);)
      after /= 2;
  }
}

// The n-th write of each stage fails, for n = 1, 2, 4, 7, … until the stage needs no more writes.
class FullDisk : public Faults, public testing::WithParamInterface<int> {};

TEST_P(FullDisk, AnErrorAndNothingHalfWritten) {
  const TemporaryFolder world;
  write_small_world(world.path(), "");
  int failures = 0;
  for (const std::string& stage : kStages) {
    for (int64_t at = 1;; at += 1 + at / 2) {
      SCOPED_TRACE(fmt::format("{}, write {}", stage, at));
      const auto before =
          fs::exists(world / "run") ? files_of(world) : std::map<std::string, std::string>();
      setenv("FAULT_AT", std::to_string(at).c_str(), 1);
      setenv("FAULT_ERRNO", std::to_string(GetParam()).c_str(), 1);
      setenv("FAULT_FOLDER", fs::canonical(world.path()).c_str(), 1);
      setenv("LD_PRELOAD", SERENDIP_FAULTY_DISK, 1);
      const CommandResult result = run_stage_of(world, stage);
      unsetenv("LD_PRELOAD");
      if (result.exit_code == 0) break;
      ++failures;
      EXPECT_EQ(result.exit_code, 1) << result.err;
      EXPECT_NE(result.error_line(), "") << result.err;
      // What is there is whole: of before, or of an undisturbed run.
      const auto wanted = files_of(undisturbed);
      for (const auto& [name, content] : files_of(world)) {
        if (name.starts_with("import.parts/")) continue;  // the next try goes on from there
        ASSERT_TRUE(wanted.contains(name)) << name << " is left behind";
        EXPECT_TRUE(content == wanted.at(name)) << name << " is half written";
      }
      for (const auto& [name, content] : before)
        EXPECT_TRUE(files_of(world).contains(name) || name.starts_with("import.parts/")) << name;
    }
  }
  EXPECT_GT(failures, 12);
  expect_same_files(world, undisturbed);
}

INSTANTIATE_TEST_SUITE_P(Errors, FullDisk, testing::Values(ENOSPC, EIO),
                         [](const auto& info) { return info.param == EIO ? "Broken" : "Full"; });

// The users shared by processes, as torchrun would start them.
TEST_F(Faults, CurateOnSeveralProcesses) {
  for (const int ranks : {2, 3}) {
    SCOPED_TRACE(ranks);
    const TemporaryFolder world;
    write_small_world(world.path(), "");
    for (const char* stage : {"import", "embed", "cluster"})
      ASSERT_EQ(run_stage_of(world, stage).exit_code, 0);
    EXPECT_EQ(run_processes(ranks, [&] { return run_stage_of(world, "curate").exit_code; }), ranks);
    expect_same_files(world, undisturbed);
  }
}

// 180,000 events in nine parts, as CSV.
void write_parts(const fs::path& folder) {
  Random random(4);
  for (int part = 0; part < 9; ++part) {
    std::string text = "user,item,time,rating\n";
    for (int row = 0; row < 20000; ++row)
      text += fmt::format("u{},{},{},{}\n", random.below(5000), random.below(2000),
                          random.below(1'000'000), 1 + random.below(5));
    write_file(folder / fmt::format("part_{}.csv", part), text);
  }
}

// Ends with how many processes ended well; their stderr is appended to `err`.
int import_parts(const TemporaryFolder& world, int ranks, const fs::path& err,
                 const CommandSetting& setting = {}) {
  return run_processes(ranks, [&] {
    const CommandResult result = run_command(
        world.path(), {"import", "--recipe", "recipe.yaml", "import.events=parts"}, setting);
    std::ofstream(err, std::ios::app) << result.err;
    return result.exit_code;
  });
}

// Parts shared by processes, some of which are killed at random moments; then as many or others
// again.
TEST(ImportOfParts, OnSeveralProcessesKilledAndAgain) {
  const TemporaryFolder world;
  write_small_world(world.path(), "");
  write_parts(world / "parts");
  const fs::path data = world / "run/data.h5";
  ASSERT_EQ(import_parts(world, 1, world / "err"), 1) << read_file(world / "err");
  const std::string wanted = read_file(data);
  for (int trial = 0; trial < 9; ++trial) {
    SCOPED_TRACE(trial);
    const int ranks = 1 + trial % 3, again = 1 + trial / 3;
    fs::remove_all(world / "run");
    Random random(9, static_cast<uint64_t>(trial));
    import_parts(world, ranks, world / "err", {.signal_after = 0.1 + 0.7 * random.uniform()});
    write_file(world / "err", "");
    EXPECT_EQ(import_parts(world, again, world / "err"), again) << read_file(world / "err");
    EXPECT_TRUE(read_file(data) == wanted);
    EXPECT_FALSE(fs::exists(world / "run/import.parts"));
  }
}

// The parts read before the disk was full are not read again.
TEST(ImportOfParts, AFullDiskKeepsThePartsRead) {
  const TemporaryFolder world;
  write_small_world(world.path(), "");
  write_parts(world / "parts");
  ASSERT_EQ(import_parts(world, 1, world / "err"), 1) << read_file(world / "err");
  const std::string wanted = read_file(world / "run/data.h5");
  fs::remove_all(world / "run");
  setenv("FAULT_AT", "60", 1);
  setenv("FAULT_ERRNO", std::to_string(ENOSPC).c_str(), 1);
  setenv("FAULT_FOLDER", fs::canonical(world.path()).c_str(), 1);
  setenv("LD_PRELOAD", SERENDIP_FAULTY_DISK, 1);
  EXPECT_EQ(import_parts(world, 1, world / "err"), 0);
  unsetenv("LD_PRELOAD");
  EXPECT_FALSE(fs::exists(world / "run/data.h5"));
  std::set<fs::path> kept;
  for (const auto& entry : fs::directory_iterator(world / "run/import.parts"))
    kept.insert(entry.path());
  EXPECT_GT(kept.size(), 1u);
  EXPECT_LT(kept.size(), 9u);
  write_file(world / "err", "");
  EXPECT_EQ(import_parts(world, 1, world / "err"), 1);
  EXPECT_NE(read_file(world / "err")
                .find(fmt::format(" {} of 9 parts of parts were read before", kept.size())),
            std::string::npos);
  EXPECT_TRUE(read_file(world / "run/data.h5") == wanted);
}

TEST(ImportOfParts, ADamagedPartIsNamedByAProcess) {
  const TemporaryFolder world;
  write_small_world(world.path(), "");
  write_parts(world / "parts");
  write_file(world / "parts/part_5.csv", "user,item,time,rating\n\"u1,1,1,1\n");
  EXPECT_LT(import_parts(world, 2, world / "err"), 2);
  EXPECT_NE(read_file(world / "err").find("part_5.csv:2: a quoted field"), std::string::npos);
  EXPECT_FALSE(fs::exists(world / "run/data.h5"));
}

}  // namespace
}  // namespace serendip
