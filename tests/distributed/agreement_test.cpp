// Forked before this process has touched a Torch thread: one test a process, as ctest does.
#include "distributed/agreement.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/check.h"
#include "base/file.h"
#include "distributed/work_leases.h"
#include "tests/base/temporary_folder.h"
#include "tests/distributed/processes.h"

namespace serendip {
namespace {

TEST(Agreement, WhoMeetsNobodyAnswersForItself) {
  LaunchInfo launch;
  EXPECT_TRUE(Agreement(launch).ask("question", [] { return true; }));
  launch.rank = 1;
  launch.world_size = 3;
  launch.can_meet = false;
  EXPECT_FALSE(Agreement(launch).ask("question", [] { return false; }));
}

// The first process alone is asked; the job meets again while it has its answers.
TEST(Agreement, TheFirstProcessAnswersForAll) {
  const TemporaryFolder folder;
  const int well = run_processes(3, [&] {
    const LaunchInfo launch = launch_info();
    Agreement agreement(launch);
    for (const bool truth : {true, false}) {
      const bool heard = agreement.ask(truth ? "first" : "second", [&] {
        write_file(folder / fmt::format("asked-{}-{}", launch.rank, truth), "");
        return truth;
      });
      if (heard != truth) return 1;
    }
    WorkLeases leases(launch, 6);
    while (const auto piece = leases.next()) leases.finish(*piece);
    return leases.unfinished() == 0 ? 0 : 2;
  });
  EXPECT_EQ(well, 3);
  for (const char* truth : {"true", "false"}) {
    EXPECT_TRUE(std::filesystem::exists(folder / fmt::format("asked-0-{}", truth)));
    for (const int rank : {1, 2})
      EXPECT_FALSE(std::filesystem::exists(folder / fmt::format("asked-{}-{}", rank, truth)));
  }
}

// Whether it says so or takes the store with it.
TEST(Agreement, AFailureOfTheFirstIsThatOfAll) {
  for (const bool says_so : {true, false}) {
    const TemporaryFolder folder;
    run_processes(3, [&] {
      const LaunchInfo launch = launch_info();
      try {
        Agreement(launch).ask("question", [&]() -> bool {
          if (!says_so) _exit(1);
          fail("no file");
        });
      } catch (const Error& error) {
        write_file(folder / std::to_string(launch.rank), error.what());
      }
      return 0;
    });
    EXPECT_EQ(std::filesystem::exists(folder / "0"), says_so);
    if (says_so) {
      EXPECT_EQ(read_file(folder / "0"), "no file");
    }
    EXPECT_EQ(read_file(folder / "1"), "rank 1 of 3: rank 0 has failed or is lost");
    EXPECT_EQ(read_file(folder / "2"), "rank 2 of 3: rank 0 has failed or is lost");
  }
}

}  // namespace
}  // namespace serendip
