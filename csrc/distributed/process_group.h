// Collectives between the processes of one job, over LibTorch's c10d: Gloo for tensors on the CPU,
// NCCL for those on a GPU.
#pragma once

#include <torch/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "distributed/launch.h"

namespace c10d {
class Backend;
}

namespace serendip {

// A collective that has begun.
class PendingWork {
 public:
  PendingWork() = default;  // nothing to wait for
  explicit PendingWork(std::function<void()> wait) : wait_(std::move(wait)) {}
  // Returns once the result is there. Throws Error, naming it, when a process is lost.
  void wait() {
    if (wait_) std::exchange(wait_, nullptr)();
  }

 private:
  std::function<void()> wait_;
};

class ProcessGroup {
 public:
  // Meets the other processes at master_address:master_port, where rank 0 keeps the store, unless
  // world_size is 1. Gloo listens on the interface GLOO_SOCKET_IFNAME names, else on the loopback
  // where that is the master's address, else on the host's own address. NCCL is there where
  // `device` is a GPU, the current one. Throws Error naming rank, address and port when they do not
  // all arrive within `timeout`.
  explicit ProcessGroup(const LaunchInfo& launch, at::Device device = at::kCPU,
                        std::chrono::seconds timeout = std::chrono::minutes(5));
  ~ProcessGroup();
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  int64_t rank() const { return rank_; }
  int64_t world_size() const { return world_size_; }

  // In place: every process ends with the sum over processes. On the CPU or the group's device, any
  // numeric dtype, the same shape everywhere. Throws Error when a process is lost.
  void all_reduce_sum(at::Tensor& tensor);
  // The same without waiting; `tensor` is contiguous and not to be touched before. The group must
  // live until then.
  PendingWork start_all_reduce_sum(const at::Tensor& tensor);
  // `whole` [world_size · n], contiguous: every process fills in its own n elements, the rank-th,
  // and ends with all of them.
  void all_gather(const at::Tensor& whole);
  // Returns once every process has called it.
  void barrier();

 private:
  struct Connection;
  void check_device(const std::string& action, const at::Tensor& tensor) const;
  c10d::Backend& backend_of(const at::Tensor& tensor) const;
  template <typename Call>
  void guard(const std::string& action, const Call& call);  // runs a c10d call

  int64_t rank_, world_size_;
  at::Device device_;
  std::unique_ptr<Connection> connection_;  // none where world_size is 1
};

}  // namespace serendip
