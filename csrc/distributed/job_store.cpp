#include "distributed/job_store.h"

#include <csignal>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "base/check.h"

namespace serendip {

c10::intrusive_ptr<c10d::Store> join_job_store(const LaunchInfo& launch,
                                               std::chrono::milliseconds timeout) {
  SERENDIP_CHECK(launch.can_meet,
                 "rank {} of {}: expected MASTER_ADDR to say where the processes meet, got nothing",
                 launch.rank, launch.world_size);
  // Gloo writes to sockets that a lost process has closed; as in Python, which ignores the signal,
  // that is an error that can be told and not the end of this process, too.
  std::signal(SIGPIPE, SIG_IGN);
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(launch.master_port);
  options.isServer = launch.rank == 0 && !launch.agent_store;
  options.numWorkers = static_cast<size_t>(launch.world_size);
  options.waitWorkers = !launch.agent_store;
  options.timeout = timeout;
  options.multiTenant = true;  // rank 0 may join again
  return c10::make_intrusive<c10d::PrefixStore>(
      fmt::format("/worker/attempt_{}", launch.restart_count),
      c10::make_intrusive<c10d::TCPStore>(launch.master_address, options));
}

c10::intrusive_ptr<c10d::Store> meet_at_job_store(const LaunchInfo& launch,
                                                  std::chrono::milliseconds timeout) {
  try {
    return join_job_store(launch, timeout);
  } catch (const c10::Error& error) {
    fail("rank {} of {}: joining the job at {}:{}: {}", launch.rank, launch.world_size,
         launch.master_address, launch.master_port, error.what_without_backtrace());
  }
}

}  // namespace serendip
