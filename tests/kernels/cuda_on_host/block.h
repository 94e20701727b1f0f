// One block of a launch: its threads, the order they run in, their barrier, its shared memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/kernels/cuda_on_host/schedule.h"
#include "tests/kernels/cuda_on_host/warp.h"

namespace cuda_on_host {

struct Dimensions {
  unsigned x = 1, y = 1, z = 1;
};
inline thread_local constinit Dimensions thread_index{0, 0, 0}, block_index{0, 0, 0}, block_size,
    grid_size;

class Block {
 public:
  // `threads` is a multiple of kWarpSize; each calls `body`.
  Block(Schedule schedule, unsigned threads, size_t shared_bytes, std::function<void()> body)
      : schedule_(schedule),
        body_(std::move(body)),
        threads_(threads),
        shared_bytes_(shared_bytes),
        shared_(static_cast<char*>(::operator new(shared_bytes, kSharedAlignment))) {
    for (unsigned first = 0; first < threads; first += kWarpSize)
      warps_.emplace_back(threads_.data() + first);
    while (stacks().size() < threads) stacks().emplace_back(stacks().size());
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  // Runs the block `index`. Throws what a thread throws, and std::runtime_error where threads wait
  // at barriers that cannot complete; use the object no more after that.
  void run(unsigned index) {
    start(index);
    try {
      while (returned_ < threads_.size()) {
        bool progress = is_greedy(schedule_) ? run_warps_ahead() : run_round();
        progress |= release_barrier();
        if (!progress)
          throw std::runtime_error(
              "block " + std::to_string(index) +
              ": threads wait at barriers that cannot complete:" + text_of_waits(threads_));
      }
    } catch (...) {
      unwind_threads();
      throw;
    }
  }

  // From here on: called by the running thread.

  unsigned lane() const { return current_ % kWarpSize; }

  // Waits until all threads of the block wait in the same call.
  void wait_for_block(const Call& call) {
    Thread& self = threads_[current_];
    self.state = State::kAtBarrier;
    self.call = call;
    ++at_barrier_;
    suspend(self);
  }

  // Waits until all lanes of the mask wait in the same call with the same mask. Returns the wanted
  // lane's value, 0xff bytes where the mask does not name that lane; for kVotes, the lanes that
  // gave something other than 0.
  uint64_t exchange(unsigned mask, uint64_t value, unsigned wanted, const Call& call) {
    if ((mask >> lane() & 1u) == 0)
      fail(call, "mask " + text_of_mask(mask) + " does not name the calling lane");
    Thread& self = threads_[current_];
    self.state = State::kInWarpFunction;
    self.call = call;
    self.exchange = {mask, value, wanted};
    warps_[current_ / kWarpSize].wait(lane());
    suspend(self);
    return self.exchange.result;
  }

  PendingCopies& copies() { return threads_[current_].copies; }
  bool copies_are_late() const { return schedule_ == Schedule::kLateCopies; }

  void* shared() const { return shared_.get(); }
  bool is_shared(const void* address, size_t bytes) const {
    const auto first = reinterpret_cast<uintptr_t>(address);
    const auto begin = reinterpret_cast<uintptr_t>(shared_.get());
    return first >= begin && first - begin <= shared_bytes_ &&
           bytes <= shared_bytes_ - (first - begin);
  }

  [[noreturn]] void fail(const Call& call, const std::string& message) const {
    throw std::runtime_error(text_of(call) + ": block " + std::to_string(block_index.x) +
                             ", thread " + std::to_string(current_) + ": " + message);
  }

 private:
  struct Unwind {};
  // CUDA's own base is aligned so, see DYNAMIC_SHARED of kernels/cuda_on_device.h.
  static constexpr std::align_val_t kSharedAlignment{128};
  struct FreeShared {
    void operator()(char* memory) const { ::operator delete(memory, kSharedAlignment); }
  };

  // Kept from launch to launch; thread i runs on stack i.
  static std::vector<Stack>& stacks() {
    static thread_local std::vector<Stack> kept;
    return kept;
  }

  void start(unsigned index) {
    block_index.x = index;
    std::memset(shared_.get(), 0xff, shared_bytes_);
    returned_ = at_barrier_ = 0;
    for (Warp& warp : warps_) warp.restart();
    for (size_t thread = 0; thread < threads_.size(); ++thread) {
      threads_[thread].state = State::kReady;
      threads_[thread].started = false;
      threads_[thread].copies.clear();
      threads_[thread].fiber.start(stacks()[thread], run_);
    }
    order_ = first_order(schedule_, static_cast<unsigned>(threads_.size()));
    shuffler_ = Shuffler(index);
  }

  // A fiber's whole run.
  void run_thread() {
    Thread& self = threads_[current_];
    try {
      body_();
      if (!self.copies.empty()) fail(self.copies.oldest(), "the copy is never waited for");
    } catch (const Unwind&) {
    } catch (...) {
      error_ = std::current_exception();
    }
    self.state = State::kReturned;
    warps_[current_ / kWarpSize].leave(lane());
    ++returned_;
  }

  void suspend(Thread& self) {
    self.fiber.suspend();
    if (unwinding_) throw Unwind{};
  }

  void resume(unsigned thread) {
    current_ = thread;
    thread_index.x = thread;
    threads_[thread].started = true;
    threads_[thread].fiber.resume();
  }

  bool resume_if_ready(unsigned thread) {
    if (threads_[thread].state != State::kReady) return false;
    resume(thread);
    if (error_) std::rethrow_exception(error_);
    return true;
  }

  // After an error: ends the threads that wait, so that their stacks are clean for the next launch.
  void unwind_threads() {
    unwinding_ = true;
    for (unsigned thread = 0; thread < threads_.size(); ++thread)
      if (threads_[thread].started && threads_[thread].state != State::kReturned) resume(thread);
  }

  bool run_round() {
    if (order_.size() > threads_.size() - returned_)
      std::erase_if(order_,
                    [&](unsigned thread) { return threads_[thread].state == State::kReturned; });
    if (is_shuffled(schedule_)) shuffler_.shuffle(order_);
    bool progress = false;
    for (const unsigned thread : order_) progress |= resume_if_ready(thread);
    for (Warp& warp : warps_) progress |= warp.release();
    return progress;
  }

  bool run_warps_ahead() {
    bool progress = false;
    for (size_t first = 0; first < order_.size(); first += kWarpSize) {
      bool again = true;
      while (again) {
        again = false;
        for (size_t place = first; place < first + kWarpSize; ++place)
          again |= resume_if_ready(order_[place]);
        again |= warps_[order_[first] / kWarpSize].release();
        progress |= again;
      }
    }
    return progress;
  }

  // Opens the barrier when all threads wait there.
  bool release_barrier() {
    if (at_barrier_ < threads_.size()) return false;
    for (const Thread& thread : threads_)
      if (!(thread.call == threads_.front().call))
        throw std::runtime_error("block " + std::to_string(block_index.x) +
                                 ": threads wait at different barriers:" + text_of_waits(threads_));
    for (Thread& thread : threads_) thread.state = State::kReady;
    at_barrier_ = 0;
    return true;
  }

  Schedule schedule_;
  std::function<void()> body_;
  std::function<void()> run_ = [this] { run_thread(); };
  std::vector<Thread> threads_;
  std::vector<Warp> warps_;
  size_t shared_bytes_;
  std::unique_ptr<char[], FreeShared> shared_;
  std::vector<unsigned> order_;  // of the threads; round-robin schedules drop those that returned
  Shuffler shuffler_{0};
  unsigned current_ = 0;
  size_t at_barrier_ = 0, returned_ = 0;
  std::exception_ptr error_;
  bool unwinding_ = false;
};

// The block that runs on this CPU thread.
inline thread_local constinit Block* current_block = nullptr;

inline Block& running() {
  if (current_block == nullptr) throw std::runtime_error("called outside of a launch");
  return *current_block;
}

}  // namespace cuda_on_host
