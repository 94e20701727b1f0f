// Runs CUDA kernels on the CPU, for tests on machines without a GPU.
//
// One block at a time; each CUDA thread of the block is a fiber. A fiber runs until it waits at
// __syncthreads() or a warp function, then the next one runs. The order between barriers is a
// Schedule: a missing barrier shows as a difference between schedules, divergence as an error.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "base/random.h"
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(...)

namespace cuda_on_host {

struct Dimensions {
  unsigned x = 1, y = 1, z = 1;
};

// The greedy ones run one warp ahead to its block barrier before the next warp starts: they expose
// shared memory that is reused without a barrier, which round-robin orders miss.
enum class Schedule { kForward, kReverse, kRandom, kGreedyForward, kGreedyReverse };
inline constexpr Schedule kSchedules[] = {Schedule::kForward, Schedule::kReverse, Schedule::kRandom,
                                          Schedule::kGreedyForward, Schedule::kGreedyReverse};

constexpr size_t kWarpSize = 32, kStackBytes = 64 * 1024;

enum class Wait { kNone, kBlock, kWarp };

struct Fiber {
  ucontext_t context{};
  std::unique_ptr<char[]> stack;
  bool done = false;
  Wait wait = Wait::kNone;
  int line = 0;        // source line of the barrier it waits at
  unsigned mask = 0;   // lanes of the pending warp function
  uint64_t value = 0;  // what this lane gives, then what it gets
  size_t source = 0;   // the lane whose value it wants
};

struct Block {
  std::vector<Fiber> fibers;
  std::vector<char> dynamic_shared;
  ucontext_t scheduler{};
  size_t current = 0;
  const std::function<void()>* body = nullptr;
};

inline Block* block = nullptr;
inline Dimensions thread_index, block_index, block_size, grid_size;

// AddressSanitizer must be told of every change of stack.
inline const void* scheduler_stack = nullptr;
inline size_t scheduler_stack_size = 0;
#if defined(__SANITIZE_ADDRESS__)
inline void leave_stack(void** kept, const void* bottom, size_t size) {
  __sanitizer_start_switch_fiber(kept, bottom, size);
}
inline void arrive_on_stack(void* kept, const void** bottom, size_t* size) {
  __sanitizer_finish_switch_fiber(kept, bottom, size);
}
#else
inline void leave_stack(void**, const void*, size_t) {}
inline void arrive_on_stack(void*, const void**, size_t*) {}
#endif

inline void enter() {
  arrive_on_stack(nullptr, &scheduler_stack, &scheduler_stack_size);
  (*block->body)();
  block->fibers[block->current].done = true;
  leave_stack(nullptr, scheduler_stack, scheduler_stack_size);
  setcontext(&block->scheduler);
}

inline void yield() {
  void* kept = nullptr;
  leave_stack(&kept, scheduler_stack, scheduler_stack_size);
  swapcontext(&block->fibers[block->current].context, &block->scheduler);
  arrive_on_stack(kept, &scheduler_stack, &scheduler_stack_size);
}

inline void resume(size_t index) {
  Fiber& fiber = block->fibers[index];
  block->current = index;
  thread_index.x = static_cast<unsigned>(index);
  void* kept = nullptr;
  leave_stack(&kept, fiber.stack.get(), kStackBytes);
  swapcontext(&block->scheduler, &fiber.context);
  arrive_on_stack(kept, nullptr, nullptr);
}

inline void syncthreads(int line) {
  Fiber& self = block->fibers[block->current];
  self.wait = Wait::kBlock;
  self.line = line;
  yield();
}

inline uint64_t exchange(unsigned mask, uint64_t value, size_t source, int line) {
  Fiber& self = block->fibers[block->current];
  self.wait = Wait::kWarp;
  self.mask = mask;
  self.value = value;
  self.source = source;
  self.line = line;
  yield();
  return block->fibers[block->current].value;
}

// Completes the warp function that all lanes of the warp starting at `first` wait in, if they do.
// Kernels here use full warps only.
inline bool release_warp(Block& waiting, size_t first) {
  const auto begin = waiting.fibers.begin() + static_cast<int64_t>(first);
  const auto end = begin + kWarpSize;
  if (std::none_of(begin, end, [](const Fiber& fiber) { return fiber.wait == Wait::kWarp; }))
    return false;
  uint64_t values[kWarpSize];
  for (auto fiber = begin; fiber != end; ++fiber) {
    if (fiber->done) throw std::runtime_error("a warp function waits for a lane that has returned");
    if (fiber->wait != Wait::kWarp || fiber->line != begin->line) return false;
    if (fiber->mask != 0xffffffffu) throw std::runtime_error("a warp function's mask is not full");
    values[fiber - begin] = fiber->value;
  }
  for (auto fiber = begin; fiber != end; ++fiber) {
    fiber->value = values[fiber->source];
    fiber->wait = Wait::kNone;
  }
  return true;
}

// Opens the block barrier when all threads wait at the same one. False while some still run.
inline bool release_block(Block& waiting) {
  for (const Fiber& fiber : waiting.fibers)
    if (fiber.done || fiber.wait != Wait::kBlock) return false;
  for (Fiber& fiber : waiting.fibers) {
    if (fiber.line != waiting.fibers.front().line)
      throw std::runtime_error("threads of a block wait at different __syncthreads()");
    fiber.wait = Wait::kNone;
  }
  return true;
}

inline bool resume_if_ready(Block& running, size_t index) {
  if (running.fibers[index].done || running.fibers[index].wait != Wait::kNone) return false;
  resume(index);
  return true;
}

inline bool run_warp_ahead(Block& running, size_t first) {
  bool ran = false, again = true;
  while (again) {
    again = false;
    for (size_t index = first; index < first + kWarpSize; ++index)
      again |= resume_if_ready(running, index);
    again |= release_warp(running, first);
    ran |= again;
  }
  return ran;
}

inline void start_fibers(Block& starting) {
  for (Fiber& fiber : starting.fibers) {
    fiber.done = false;
    fiber.wait = Wait::kNone;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStackBytes;
    fiber.context.uc_link = &starting.scheduler;
    makecontext(&fiber.context, enter, 0);
  }
}

inline void run_block(Block& running, Schedule schedule) {
  start_fibers(running);
  const size_t count = running.fibers.size(), warps = count / kWarpSize;
  std::vector<size_t> order(count);
  for (size_t index = 0; index < count; ++index)
    order[index] = schedule == Schedule::kReverse ? count - 1 - index : index;
  serendip::Random random(1);
  for (;;) {
    bool ran = false;
    if (schedule == Schedule::kGreedyForward || schedule == Schedule::kGreedyReverse) {
      for (size_t warp = 0; warp < warps; ++warp)
        ran |= run_warp_ahead(
            running, kWarpSize * (schedule == Schedule::kGreedyForward ? warp : warps - 1 - warp));
    } else {
      if (schedule == Schedule::kRandom) random.shuffle(order);
      for (const size_t index : order) ran |= resume_if_ready(running, index);
      for (size_t warp = 0; warp < warps; ++warp) ran |= release_warp(running, warp * kWarpSize);
    }
    ran |= release_block(running);
    if (std::all_of(running.fibers.begin(), running.fibers.end(),
                    [](const Fiber& fiber) { return fiber.done; }))
      return;
    if (!ran) throw std::runtime_error("threads wait at barriers that cannot complete");
  }
}

// kernel<<<grid, threads, shared_bytes>>>(arguments...), one-dimensional, whole warps. Dynamic
// shared memory starts as NaNs, so that reading before writing shows.
template <typename Kernel, typename... Arguments>
void launch(Schedule schedule, Kernel kernel, unsigned grid, unsigned threads, size_t shared_bytes,
            Arguments... arguments) {
  if (threads % kWarpSize != 0) throw std::runtime_error("expected whole warps");
  Block running;
  running.fibers.resize(threads);
  for (Fiber& fiber : running.fibers) fiber.stack = std::make_unique<char[]>(kStackBytes);
  const std::function<void()> body = [&] { kernel(arguments...); };
  running.body = &body;
  block = &running;
  grid_size.x = grid;
  block_size.x = threads;
  for (block_index.x = 0; block_index.x < grid; ++block_index.x) {
    running.dynamic_shared.assign(shared_bytes, static_cast<char>(0xff));
    run_block(running, schedule);
  }
}

template <typename T>
T shuffle_xor(unsigned mask, T value, int lanes, int line) {
  static_assert(sizeof(T) <= sizeof(uint64_t));
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(value));
  const size_t lane = block->current % kWarpSize;
  bits = exchange(mask, bits, lane ^ static_cast<size_t>(lanes), line);
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

}  // namespace cuda_on_host

#define threadIdx cuda_on_host::thread_index
#define blockIdx cuda_on_host::block_index
#define blockDim cuda_on_host::block_size
#define gridDim cuda_on_host::grid_size
#define __syncthreads() cuda_on_host::syncthreads(__LINE__)
#define __shfl_xor_sync(mask, value, lanes) cuda_on_host::shuffle_xor(mask, value, lanes, __LINE__)
// A type and a name cannot be in parentheses. NOLINTBEGIN(bugprone-macro-parentheses)
#define DYNAMIC_SHARED(type, name) \
  auto name = reinterpret_cast<std::add_pointer_t<type>>(cuda_on_host::block->dynamic_shared.data())
// NOLINTEND(bugprone-macro-parentheses)
