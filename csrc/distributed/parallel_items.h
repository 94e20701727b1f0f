// Independent pieces of work, each on one thread.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <optional>

namespace serendip {

// How many pieces of a model's work to do at a time: on the CPU as many as LibTorch has threads, on
// a GPU one.
int64_t parallel_workers(torch::Device device);

// Calls work(worker, item) for every item that next() gives, until it gives nothing; both from any
// of `workers` threads, numbered from 0, no more than LibTorch has. What an item computes with
// LibTorch and MKL stays on its thread, without the barriers that small operations spend their time
// in; where there is one worker, it has all threads. The first exception ends the taking of items
// and is thrown here once those under way have ended.
void for_each_item(int64_t workers, const std::function<std::optional<int64_t>()>& next,
                   const std::function<void(int64_t worker, int64_t item)>& work);

// The same for 0, 1, … count - 1.
void for_each_item(int64_t workers, int64_t count,
                   const std::function<void(int64_t worker, int64_t item)>& work);

}  // namespace serendip
