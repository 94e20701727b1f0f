#include "distributed/process_group.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/base/temporary_folder.h"
#include "tests/distributed/processes.h"

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

TEST(ProcessGroup, TwoProcessesSumTheirTensors) {
  const auto work = [] {
    try {
      return sums_are_right() ? 0 : 1;
    } catch (const std::exception& error) {
      fprintf(stderr, "%s\n", error.what());
      return 1;
    }
  };
  EXPECT_EQ(run_processes(2, work), 2);
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
