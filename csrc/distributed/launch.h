// Which of how many processes this one is, as its launcher says.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace serendip {

struct LaunchInfo {
  int64_t rank = 0;  // of world_size
  int64_t world_size = 1;
  int64_t local_rank = 0;  // on this node; picks the GPU
  // Whether the launcher says where the processes meet; else they know of each other nothing but
  // the number.
  bool can_meet = true;
  std::string master_address = "127.0.0.1";
  int64_t master_port = 29500;
  bool agent_store = false;   // torchrun's agent keeps the store there, not rank 0
  int64_t restart_count = 0;  // of torchrun; each attempt meets afresh
};

// The value of an environment variable, or nothing.
using Environment = std::function<std::optional<std::string>(const char* name)>;
Environment process_environment();

// In this order: torchrun's variables (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT,
// TORCHELASTIC_USE_AGENT_STORE, TORCHELASTIC_RESTART_COUNT; also what Kubernetes' training
// operators set; a pod of an indexed job has JOB_COMPLETION_INDEX for RANK), a Slurm step
// (SLURM_PROCID, SLURM_STEP_NUM_TASKS, SLURM_LOCALID, the first node of SLURM_STEP_NODELIST), else
// one process alone. MASTER_ADDR and MASTER_PORT also override Slurm's. Processes without a
// MASTER_ADDR cannot meet. Throws Error naming the variable that is missing or wrong.
LaunchInfo launch_info(const Environment& environment = process_environment());

// The first host of a Slurm list: "gpu[07-09,12],login" -> "gpu07".
std::string first_slurm_host(const std::string& node_list);

}  // namespace serendip
