// Runs CUDA kernels on the CPU, for tests on machines without a GPU. Include it before a kernel, in
// place of kernels/cuda_on_device.h, whose contracts it checks.
//
// One block at a time; each CUDA thread of the block is a fiber. A fiber runs until it waits at
// __syncthreads() or a warp function, then the next one runs. The order between waits is a Schedule
// (schedule.h): a missing barrier shows as a difference between schedules, divergence as an error.
//
// Threads that wait in a barrier or warp function meet when its name and source line agree.
// Stricter than a GPU: a thread that returns while others wait for it is an error, also at
// __syncthreads(). Laxer: a warp function orders the memory accesses of its lanes as __syncwarp()
// does, and atomics are never reordered.
//
// DYNAMIC_SHARED is the only shared memory: it starts as 0xff bytes, NaN in every float type, so
// that reading before writing shows, and AddressSanitizer sees where it ends. There is no
// __shared__.
#pragma once

#include <math.h>

#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "tests/kernels/cuda_on_host/block.h"
#include "tests/kernels/cuda_on_host/copy_async.h"
#include "tests/kernels/cuda_on_host/tile_product.h"
#include "tests/kernels/cuda_on_host/warp_functions.h"

namespace cuda_on_host {

// Makes `block` the running one for a while.
class Running {
 public:
  explicit Running(Block* block) {
    if (current_block != nullptr) throw std::runtime_error("a kernel cannot launch another");
    current_block = block;
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { current_block = nullptr; }
};

// kernel<<<grid, threads, shared_bytes>>>(arguments...), one-dimensional, blocks one after another.
// `threads` is a multiple of 32, at most 1024; `grid` at least 1. Throws std::runtime_error with
// source lines where a kernel misuses barriers, warp functions, copies or tile products, and what
// the kernel throws.
template <typename Kernel, typename... Arguments>
void launch(Schedule schedule, Kernel kernel, unsigned grid, unsigned threads, size_t shared_bytes,
            Arguments... arguments) {
  constexpr unsigned kMaxThreads = 1024;
  if (threads == 0 || threads % kWarpSize != 0 || threads > kMaxThreads)
    throw std::runtime_error("threads: expected a multiple of 32 up to 1024, got " +
                             std::to_string(threads));
  if (grid == 0) throw std::runtime_error("grid: expected at least one block");
  Block block(schedule, threads, shared_bytes, [&] { kernel(arguments...); });
  const Running running(&block);
  grid_size.x = grid;
  block_size.x = threads;
  std::vector<unsigned> order = first_order(schedule, grid);
  if (is_shuffled(schedule)) Shuffler(grid).shuffle(order);
  for (const unsigned index : order) block.run(index);
}

// `count` elements of 0xff bytes, for outputs and workspaces: NaN in every float type, -1 in signed
// integers.
template <typename T>
std::vector<T> poisoned(size_t count) {
  static_assert(std::is_trivially_copyable_v<T> && !std::is_same_v<T, bool>);
  std::vector<T> values(count);
  if (count > 0) std::memset(values.data(), 0xff, count * sizeof(T));
  return values;
}

}  // namespace cuda_on_host

#define __global__
#define __device__
#define __launch_bounds__(...)

#define threadIdx cuda_on_host::thread_index
#define blockIdx cuda_on_host::block_index
#define blockDim cuda_on_host::block_size
#define gridDim cuda_on_host::grid_size

#define __syncthreads cuda_on_host::sync_threads
#define __syncwarp cuda_on_host::sync_warp
#define __shfl_sync cuda_on_host::shuffle
#define __shfl_xor_sync cuda_on_host::shuffle_xor
#define __shfl_up_sync cuda_on_host::shuffle_up
#define __shfl_down_sync cuda_on_host::shuffle_down
#define __ballot_sync cuda_on_host::ballot
#define __any_sync cuda_on_host::any
#define __all_sync cuda_on_host::all
#define __popc cuda_on_host::count_ones
#define __ffs cuda_on_host::find_first_one
#define atomicAdd cuda_on_host::add

// A type and a name cannot be in parentheses. NOLINTBEGIN(bugprone-macro-parentheses)
#define DYNAMIC_SHARED(type, name) \
  auto* name = static_cast<std::add_pointer_t<type>>(cuda_on_host::running().shared())
// NOLINTEND(bugprone-macro-parentheses)
