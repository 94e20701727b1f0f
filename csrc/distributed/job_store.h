// The key-value store that the processes of a job meet at.
#pragma once

#include <chrono>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "distributed/launch.h"

namespace serendip {

// torchrun's, or one that rank 0 keeps at master_address:master_port as long as it has any of the
// stores that it has joined; keys of each restart are apart. Throws Error where they cannot meet,
// c10::Error when the processes do not all arrive within `timeout`.
c10::intrusive_ptr<c10d::Store> join_job_store(const LaunchInfo& launch,
                                               std::chrono::milliseconds timeout);
// The same with an Error that says who could not join what, and why.
c10::intrusive_ptr<c10d::Store> meet_at_job_store(const LaunchInfo& launch,
                                                  std::chrono::milliseconds timeout);

}  // namespace serendip
