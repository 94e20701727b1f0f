// The few words that kernels use beside CUDA's own, so that the same source also runs on the CPU in
// tests (tests/kernels/cuda_on_host.h).
#pragma once

#include <cuda_runtime.h>
#include <math.h>

#include <cstdint>

#define DYNAMIC_SHARED(type, name) extern __shared__ type name[]
