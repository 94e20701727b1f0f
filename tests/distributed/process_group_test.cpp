#include "distributed/process_group.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/base/temporary_folder.h"
#include "tests/distributed/free_port.h"

namespace serendip {
namespace {

// What one of the two processes does; true when the sums are right.
bool sums_are_right() {
  ProcessGroup group(launch_info(), at::kCPU, std::chrono::seconds(30));
  at::Tensor values = torch::arange(6, at::kFloat) * static_cast<double>(group.rank() + 1);
  group.all_reduce_sum(values);
  // A transposed view, so that the sum must find its way back into the caller's storage.
  at::Tensor columns = torch::full({2, 3}, group.rank() + 10, at::kLong).t();
  group.all_reduce_sum(columns);
  group.barrier();
  return group.world_size() == 2 && torch::equal(values, torch::arange(6, at::kFloat) * 3) &&
         torch::equal(columns, torch::full({3, 2}, 21, at::kLong));
}

// Forked before this process has touched a Torch thread.
TEST(ProcessGroup, TwoProcessesSumTheirTensors) {
  setenv("WORLD_SIZE", "2", 1);
  setenv("MASTER_ADDR", "127.0.0.1", 1);
  setenv("MASTER_PORT", std::to_string(free_port()).c_str(), 1);
  pid_t children[2];
  for (int rank = 0; rank < 2; ++rank) {
    children[rank] = fork();
    if (children[rank] == 0) {
      setenv("RANK", std::to_string(rank).c_str(), 1);
      bool right = false;
      try {
        right = sums_are_right();
      } catch (const std::exception& error) {
        fprintf(stderr, "%s\n", error.what());
      }
      _exit(right ? 0 : 1);
    }
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
  }
}

TEST(ProcessGroup, AloneNeedsNoNetwork) {
  ProcessGroup group(LaunchInfo{});
  at::Tensor values = torch::ones({3});
  group.all_reduce_sum(values);
  group.barrier();
  EXPECT_TRUE(torch::equal(values, torch::ones({3})));
}

TEST(ProcessGroup, MissingProcessIsAnErrorThatNamesTheMeetingPoint) {
  LaunchInfo launch;
  launch.world_size = 2;
  launch.master_port = free_port();
  const std::string message =
      error_of([&] { ProcessGroup group(launch, at::kCPU, std::chrono::seconds(1)); });
  EXPECT_TRUE(message.starts_with(
      fmt::format("rank 0 of 2: joining the group at 127.0.0.1:{}: ", launch.master_port)))
      << message;
}

}  // namespace
}  // namespace serendip
