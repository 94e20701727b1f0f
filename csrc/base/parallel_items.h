// Independent pieces of work, each on one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

namespace serendip {

// Calls work(worker, item) for every item that next() gives, until it gives nothing; both from any
// of `workers` threads, numbered from 0, no more than OpenMP has. What an item computes with
// LibTorch, MKL or OpenMP stays on its thread, without the barriers that small operations spend
// their time in; where there is one worker, it has all threads. The first exception ends the taking
// of items and is thrown here once those under way have ended; `failed` is called at once, to let
// go those who wait in next().
void for_each_item(int64_t workers, const std::function<std::optional<int64_t>()>& next,
                   const std::function<void(int64_t worker, int64_t item)>& work,
                   const std::function<void()>& failed = {});

// The same for 0, 1, … count - 1.
void for_each_item(int64_t workers, int64_t count,
                   const std::function<void(int64_t worker, int64_t item)>& work);

}  // namespace serendip
