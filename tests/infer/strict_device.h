// A device that is none to LibTorch's CPU kernels but needs no hardware, to show that code written
// for a GPU keeps to the GPU's rules: its tensors' addresses cannot be read by the host, an
// operation that mixes its tensors with the host's fails, and reads from it are counted.
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace serendip {

// Registered with LibTorch as "PrivateUse1" by the unit that defines it.
torch::Device strict_device();

// Times that the host waited for a value of the device, by a copy or an operation that returns a
// number or needs one for the size of its result.
int64_t host_reads();

}  // namespace serendip
