#include "base/parallel_items.h"

#include <atomic>
#include <exception>
#include <mutex>

namespace serendip {

void for_each_item(int64_t workers, const std::function<std::optional<int64_t>()>& next,
                   const std::function<void(int64_t, int64_t)>& work,
                   const std::function<void()>& failed) {
  std::atomic<bool> has_failed = false;
  std::exception_ptr failure;
  std::mutex mutex;
  const auto run = [&](int64_t worker) {
    try {
      while (!has_failed) {
        const std::optional<int64_t> item = next();
        if (!item) return;
        work(worker, *item);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (has_failed.exchange(true)) return;
      failure = std::current_exception();
      if (failed) failed();
    }
  };
  const auto threads = static_cast<int>(workers);
  // Inside, LibTorch and MKL see that they are on one of several threads and use no more.
#pragma omp parallel for schedule(static, 1) num_threads(threads) if (threads > 1)
  for (int64_t worker = 0; worker < workers; ++worker) run(worker);
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
