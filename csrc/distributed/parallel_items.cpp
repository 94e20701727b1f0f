#include "distributed/parallel_items.h"

#include <ATen/Parallel.h>

#include <atomic>
#include <exception>
#include <mutex>

namespace serendip {

int64_t parallel_workers(torch::Device device) {
  return device.is_cpu() ? at::get_num_threads() : 1;
}

void for_each_item(int64_t workers, const std::function<std::optional<int64_t>()>& next,
                   const std::function<void(int64_t, int64_t)>& work) {
  std::atomic<bool> failed = false;
  std::exception_ptr failure;
  std::mutex mutex;
  const auto run = [&](int64_t worker) {
    try {
      while (!failed) {
        const std::optional<int64_t> item = next();
        if (!item) return;
        work(worker, *item);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failed.exchange(true)) failure = std::current_exception();
    }
  };
  // Inside, LibTorch and MKL see that they are on one of several threads and use no more.
  at::parallel_for(0, workers, 1, [&](int64_t first, int64_t last) {
    for (int64_t worker = first; worker < last; ++worker) run(worker);
  });
  if (failure) std::rethrow_exception(failure);
}

void for_each_item(int64_t workers, int64_t count,
                   const std::function<void(int64_t, int64_t)>& work) {
  std::atomic<int64_t> taken = 0;
  for_each_item(
      workers,
      [&]() -> std::optional<int64_t> {
        const int64_t item = taken++;
        return item < count ? std::optional(item) : std::nullopt;
      },
      work);
}

}  // namespace serendip
