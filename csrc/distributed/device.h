// The device that a process computes on.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>

namespace serendip {

// Whether there is a CUDA GPU. Loads the CUDA half of LibTorch, which no program links: it would
// slow every start. torch::cuda::is_available() is false before.
bool has_gpu();

// "cpu", or "cuda": the GPU of this process's place on its node (LaunchInfo::local_rank), which
// becomes the current one. `option` names the setting in errors: Error where there is no such GPU.
at::Device open_device(const std::string& name, const std::string& option);

// How many pieces of a model's work to do at a time (base/parallel_items.h): on the CPU as many as
// LibTorch has threads, on a GPU one.
int64_t parallel_workers(at::Device device);

// In bytes: of a GPU what LibTorch has allocated there, else the resident set of the process. The
// peak since the start, or since the last reset_peak_memory() of the CPU's.
struct MemoryUse {
  int64_t now, peak;
};
MemoryUse memory_use(at::Device device);

}  // namespace serendip
