// A device that is none to LibTorch's CPU kernels but needs no hardware, to show that code written
// for a GPU keeps to the GPU's rules: its tensors' addresses cannot be read by the host, an
// operation that mixes its tensors with the host's fails, reads from it are counted, and its work
// can be recorded and replayed.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>

#include "infer/work_graph.h"

namespace serendip {

// Registered with LibTorch as "PrivateUse1" by the unit that defines it.
torch::Device strict_device();

// Times that the host waited for a value of the device, by a copy or an operation that returns a
// number or needs one for the size of its result.
int64_t host_reads();

// As a CUDA graph: the second run records the device's operations, later ones repeat them on the
// memory that they had, whatever the host would do by then. Recording fails at a copy from or to
// the host and at a read.
std::unique_ptr<WorkGraph> make_strict_graph(torch::Device device);

// Runs of strict graphs that were replays.
int64_t graph_replays();

}  // namespace serendip
