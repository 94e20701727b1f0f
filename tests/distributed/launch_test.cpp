#include "distributed/launch.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

LaunchInfo launch_with(const std::map<std::string, std::string>& variables) {
  return launch_info([&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  });
}

TEST(LaunchInfo, AloneWithoutALauncher) {
  const LaunchInfo info = launch_with({});
  EXPECT_EQ(info.rank, 0);
  EXPECT_EQ(info.world_size, 1);
}

TEST(LaunchInfo, ReadsTorchrun) {
  const LaunchInfo info = launch_with({{"RANK", "5"},
                                       {"WORLD_SIZE", "8"},
                                       {"LOCAL_RANK", "1"},
                                       {"MASTER_ADDR", "node0"},
                                       {"MASTER_PORT", "1234"},
                                       {"SLURM_STEP_ID", "0"},
                                       {"SLURM_PROCID", "0"}});
  EXPECT_EQ(info.rank, 5);
  EXPECT_EQ(info.world_size, 8);
  EXPECT_EQ(info.local_rank, 1);
  EXPECT_EQ(info.master_address, "node0");
  EXPECT_EQ(info.master_port, 1234);
  EXPECT_TRUE(info.can_meet);
}

TEST(LaunchInfo, WithoutAnAddressProcessesCannotMeet) {
  EXPECT_FALSE(launch_with({{"RANK", "1"}, {"WORLD_SIZE", "2"}}).can_meet);
  EXPECT_TRUE(launch_with({{"RANK", "0"}, {"WORLD_SIZE", "1"}}).can_meet);
}

TEST(LaunchInfo, ReadsTorchrunsStore) {
  const LaunchInfo info = launch_with({{"RANK", "0"},
                                       {"WORLD_SIZE", "2"},
                                       {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                                       {"TORCHELASTIC_RESTART_COUNT", "3"}});
  EXPECT_TRUE(info.agent_store);
  EXPECT_EQ(info.restart_count, 3);
}

TEST(LaunchInfo, ReadsAPodOfAnIndexedJob) {
  const LaunchInfo info = launch_with(
      {{"JOB_COMPLETION_INDEX", "2"}, {"WORLD_SIZE", "4"}, {"MASTER_ADDR", "trainer-0"}});
  EXPECT_EQ(info.rank, 2);
  EXPECT_EQ(info.local_rank, 0);
  EXPECT_EQ(info.master_address, "trainer-0");
  EXPECT_EQ(launch_with({{"JOB_COMPLETION_INDEX", "2"}}).world_size, 1);
}

TEST(LaunchInfo, ReadsASlurmStepButNotABatchScript) {
  std::map<std::string, std::string> variables{{"SLURM_PROCID", "3"},
                                               {"SLURM_STEP_NUM_TASKS", "4"},
                                               {"SLURM_LOCALID", "1"},
                                               {"SLURM_STEP_NODELIST", "gpu[07-08]"},
                                               {"SLURM_JOB_ID", "120034"}};
  EXPECT_EQ(launch_with(variables).world_size, 1);
  variables["SLURM_STEP_ID"] = "0";
  const LaunchInfo info = launch_with(variables);
  EXPECT_EQ(info.rank, 3);
  EXPECT_EQ(info.world_size, 4);
  EXPECT_EQ(info.local_rank, 1);
  EXPECT_EQ(info.master_address, "gpu07");
  EXPECT_EQ(info.master_port, 20034);
}

TEST(LaunchInfo, NamesTheWrongVariable) {
  EXPECT_EQ(error_of([] {
              launch_with({{"RANK", "2"}});
            }),
            "environment variable WORLD_SIZE: expected a number since RANK is set, got nothing");
  EXPECT_EQ(error_of([] {
              launch_with({{"RANK", "2"}, {"WORLD_SIZE", "2"}});
            }),
            "environment variable RANK: expected a number from 0 to 1, got \"2\"");
  EXPECT_EQ(error_of([] {
              launch_with({{"RANK", "0x"}, {"WORLD_SIZE", "2"}});
            }),
            "environment variable RANK: expected a number from 0 to 1, got \"0x\"");
}

TEST(LaunchInfo, FirstSlurmHost) {
  EXPECT_EQ(first_slurm_host("gpu7"), "gpu7");
  EXPECT_EQ(first_slurm_host("gpu7,gpu8"), "gpu7");
  EXPECT_EQ(first_slurm_host("gpu[07-09,12],login"), "gpu07");
  EXPECT_EQ(first_slurm_host("gpu[3,5]"), "gpu3");
  EXPECT_EQ(first_slurm_host("login,gpu[3,5]"), "login");
}

}  // namespace
}  // namespace serendip
