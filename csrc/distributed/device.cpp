#include "distributed/device.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/cuda.h>

#include "base/check.h"
#include "base/process.h"
#include "distributed/launch.h"

namespace serendip {

bool has_gpu() {
  dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);
  return torch::cuda::is_available();
}

at::Device open_device(const std::string& name, const std::string& option) {
  if (name == "cpu") return at::kCPU;
  SERENDIP_CHECK(has_gpu(), "{}: expected a CUDA GPU for \"{}\", got none", option, name);
  const int64_t index = launch_info().local_rank;
  const auto count = static_cast<int64_t>(torch::cuda::device_count());
  SERENDIP_CHECK(index < count, "{}: expected a GPU for each process of a node, got {} for rank {}",
                 option, count, index);
  at::accelerator::setDeviceIndex(static_cast<at::DeviceIndex>(index));
  return {at::kCUDA, static_cast<at::DeviceIndex>(index)};
}

int64_t parallel_workers(at::Device device) { return device.is_cpu() ? at::get_num_threads() : 1; }

MemoryUse memory_use(at::Device device) {
  if (!device.is_cuda()) return {resident_memory_bytes(), peak_memory_bytes()};
  const auto allocated = at::accelerator::getDeviceStats(device.index()).allocated_bytes;
  const auto& all = allocated[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)];
  return {all.current, all.peak};
}

}  // namespace serendip
