// Collectives between the processes of one job, over LibTorch's c10d with Gloo.
#pragma once

#include <torch/torch.h>

#include <chrono>
#include <cstdint>
#include <memory>

#include "distributed/launch.h"

namespace serendip {

class ProcessGroup {
 public:
  // Meets the other processes at master_address:master_port, where rank 0 keeps the store, unless
  // world_size is 1. Gloo listens on the interface GLOO_SOCKET_IFNAME names, else on the loopback
  // where that is the master's address, else on the host's own address. Throws Error naming rank,
  // address and port when they do not all arrive within `timeout`.
  explicit ProcessGroup(const LaunchInfo& launch,
                        std::chrono::seconds timeout = std::chrono::minutes(5));
  ~ProcessGroup();
  ProcessGroup(ProcessGroup&& other) noexcept;
  ProcessGroup& operator=(ProcessGroup&& other) noexcept;

  int64_t rank() const { return rank_; }
  int64_t world_size() const { return world_size_; }

  // In place: every process ends with the sum over processes. CPU tensor, any numeric dtype, the
  // same shape everywhere. Throws Error when a process is lost.
  void all_reduce_sum(at::Tensor& tensor);
  // Returns once every process has called it.
  void barrier();

 private:
  struct Connection;
  int64_t rank_, world_size_;
  std::unique_ptr<Connection> connection_;  // none where world_size is 1
};

}  // namespace serendip
