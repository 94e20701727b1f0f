// Forked before this process has touched a Torch thread: one test a process, as ctest does.
#include "distributed/work_leases.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "base/check.h"
#include "base/file.h"
#include "tests/base/temporary_folder.h"
#include "tests/base/wait_until.h"
#include "tests/distributed/processes.h"

namespace serendip {
namespace {

constexpr int64_t kPieces = 40;

TEST(WorkLeases, AloneTakesWhatIsNotDone) {
  WorkLeases leases(LaunchInfo{}, 4);
  leases.finish(1);
  leases.finish(1);
  EXPECT_EQ(leases.unfinished(), 3);
  std::vector<int64_t> taken;
  while (const auto piece = leases.next()) {
    taken.push_back(*piece);
    leases.finish(*piece);
  }
  EXPECT_EQ(taken, (std::vector<int64_t>{0, 2, 3}));
  EXPECT_EQ(leases.unfinished(), 0);
}

TEST(WorkLeases, NothingMoreOnceGivenUp) {
  WorkLeases leases(LaunchInfo{}, 4);
  EXPECT_TRUE(leases.next());
  leases.give_up();
  EXPECT_FALSE(leases.next());
}

TEST(WorkLeases, ProcessesThatCannotMeetHaveAStrideEach) {
  LaunchInfo launch;
  launch.rank = 1;
  launch.world_size = 3;
  launch.can_meet = false;
  WorkLeases leases(launch, 10);
  leases.finish(4);
  std::vector<int64_t> taken;
  while (const auto piece = leases.next()) taken.push_back(*piece);
  EXPECT_EQ(taken, (std::vector<int64_t>{1, 7}));
}

// Takes pieces until none is left and writes each into `folder`; "dies" with its third under way.
// The others hold their first until every process has one and the one that dies is dead; none takes
// the store away before all have seen the end, however long one of them is not heard of.
void work(const TemporaryFolder& folder, int dying) {
  const LaunchInfo launch = launch_info();
  const bool dies = launch.rank == dying;
  const auto say = [&](const char* what) {
    write_file(folder / fmt::format("{}-{}", what, launch.rank), "");
  };
  const auto wait_for_all_to_say = [&](const char* what, int64_t but) {
    for (int64_t rank = 0; rank < launch.world_size; ++rank) {
      const auto said = [&] {
        return std::filesystem::exists(folder / fmt::format("{}-{}", what, rank));
      };
      if (rank != but && !wait_until(said)) fail("rank {} is not {}", rank, what);
    }
  };
  WorkLeases leases(launch, kPieces, std::chrono::seconds(1), std::chrono::minutes(2));
  for (int taken = 1; const auto piece = leases.next(); ++taken) {
    if (taken == (dies ? 3 : 1)) say("ready");
    if (dies && taken == 3) _exit(1);
    if (!dies) wait_for_all_to_say("ready", -1);
    write_file(folder / std::to_string(*piece), std::to_string(launch.rank));
    leases.finish(*piece);
  }
  say("done");
  wait_for_all_to_say("done", dying);
}

std::map<std::string, int> pieces_of_ranks(const TemporaryFolder& folder) {
  std::map<std::string, int> count;
  for (int64_t piece = 0; piece < kPieces; ++piece)
    if (std::filesystem::exists(folder / std::to_string(piece)))
      ++count[read_file(folder / std::to_string(piece))];
  return count;
}

// Returns whether all but the one that dies ended well.
bool run(const TemporaryFolder& folder, int processes, int dying) {
  const int well = run_processes(processes, [&] {
    try {
      work(folder, dying);
      return 0;
    } catch (const std::exception& error) {
      fprintf(stderr, "%s\n", error.what());
      return 2;
    }
  });
  return well == processes - (dying >= 0 ? 1 : 0);
}

TEST(WorkLeases, ProcessesShareThePiecesOut) {
  const TemporaryFolder folder;
  EXPECT_TRUE(run(folder, 3, -1));
  const auto count = pieces_of_ranks(folder);
  EXPECT_EQ(count.size(), 3u);
  int all = 0;
  for (const auto& [rank, pieces] : count) all += pieces;
  EXPECT_EQ(all, kPieces);
}

TEST(WorkLeases, WhatADeadProcessHadBegunIsLeasedAgain) {
  const TemporaryFolder folder;
  EXPECT_TRUE(run(folder, 3, 2));
  const auto count = pieces_of_ranks(folder);
  EXPECT_EQ(count.at("2"), 2);
  EXPECT_EQ(count.at("0") + count.at("1"), kPieces - 2);
}

TEST(WorkLeases, AMissingProcessIsNamed) {
  LaunchInfo launch;
  launch.world_size = 2;
  launch.master_port = free_port();
  const std::string message = error_of(
      [&] { WorkLeases(launch, 4, std::chrono::seconds(1), std::chrono::milliseconds(500)); });
  EXPECT_TRUE(message.starts_with(
      fmt::format("rank 0 of 2: joining the job at 127.0.0.1:{}: ", launch.master_port)))
      << message;
}

}  // namespace
}  // namespace serendip
