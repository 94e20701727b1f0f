// NCCL in a shared library of its own, opened where a job computes on GPUs: the CUDA half of
// LibTorch, which it links, would slow the start of every command.
#pragma once

#include <chrono>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace serendip {

// Of libserendip_nccl.so. Collectives on tensors of the current GPU.
using NewNccl = c10::intrusive_ptr<c10d::Backend>(c10::intrusive_ptr<c10d::Store> store, int rank,
                                                  int world_size,
                                                  std::chrono::milliseconds timeout);
constexpr const char* kNcclLibrary = "libserendip_nccl.so";
constexpr const char* kNewNccl = "serendip_new_nccl";

}  // namespace serendip
