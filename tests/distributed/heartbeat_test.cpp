#include "distributed/heartbeat.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/file.h"
#include "distributed/job_store.h"
#include "tests/base/temporary_folder.h"
#include "tests/base/wait_until.h"
#include "tests/distributed/processes.h"

namespace serendip {
namespace {

// Rank 1 waits for rank 0 alone, which ends because it misses rank 2: a chain as in a ring of sums.
TEST(Heartbeat, TheLastToNoticeNamesTheSameProcess) {
  const TemporaryFolder folder;
  const auto work = [&] {
    const LaunchInfo launch = launch_info();
    const auto store = join_job_store(launch, std::chrono::minutes(2));
    std::optional<Heartbeat> heartbeat(std::in_place, store->clone(), launch.rank,
                                       launch.world_size);
    if (launch.rank == 2) {
      heartbeat.reset();
      store->set("ended", "");
      return 1;
    }
    if (launch.rank == 0) {
      store->wait({"ended"});
      if (!wait_until([&] { return heartbeat->count(1) > 0; })) return 1;
    }
    if (launch.rank == 1) {
      try {
        while (true) {
          store->add("unrelated", 0);
          std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
      } catch (const std::exception&) {
      }
    }
    write_file(folder / std::to_string(launch.rank), heartbeat->find_lost());
    return 0;
  };
  EXPECT_EQ(run_processes(3, work), 2);
  EXPECT_EQ(read_file(folder / "0"), "rank 2 is lost");
  EXPECT_EQ(read_file(folder / "1"), "rank 2 is lost");
}

}  // namespace
}  // namespace serendip
