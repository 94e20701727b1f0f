#include "base/parallel_items.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "distributed/device.h"

namespace serendip {
namespace {

TEST(ForEachItem, EveryItemOnceByAWorkerThatComputesAlone) {
  std::mutex mutex;
  std::multiset<int64_t> items;
  const int64_t workers = parallel_workers(torch::kCPU);
  bool alone = true;
  for_each_item(workers, 50, [&](int64_t worker, int64_t item) {
    const std::lock_guard lock(mutex);
    alone = alone && (workers == 1 || at::in_parallel_region());
    EXPECT_LT(worker, workers);
    items.insert(item);
  });
  EXPECT_EQ(items.size(), 50u);
  EXPECT_EQ(std::set<int64_t>(items.begin(), items.end()).size(), 50u);
  EXPECT_TRUE(alone);
  EXPECT_EQ(parallel_workers(torch::kMeta), 1);
}

TEST(ForEachItem, AFailureEndsIt) {
  constexpr int kItems = 1'000'000;
  std::atomic<int> begun = 0;
  const auto run = [&] {
    for_each_item(parallel_workers(torch::kCPU), kItems, [&](int64_t, int64_t item) {
      ++begun;
      if (item == 3) throw std::runtime_error("item 3");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
  };
  EXPECT_THROW(run(), std::runtime_error);
  EXPECT_LT(begun, kItems);
}

TEST(ForEachItem, AFailureLetsGoWhoWaitsForTheNext) {
  std::atomic<bool> failed = false;
  std::atomic<int> asked = 0;
  const auto next = [&]() -> std::optional<int64_t> {
    if (asked++ == 0) return 0;
    while (!failed) std::this_thread::yield();
    return std::nullopt;
  };
  const auto fail = [](int64_t, int64_t) { throw std::runtime_error("the item"); };
  EXPECT_THROW(for_each_item(2, next, fail, [&] { failed = true; }), std::runtime_error);
  EXPECT_TRUE(failed);
}

}  // namespace
}  // namespace serendip
