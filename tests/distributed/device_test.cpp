#include "distributed/device.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include "base/process.h"
#include "distributed/nccl.h"
#include "distributed/process_group.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

TEST(Device, CpuIsAlwaysThere) { EXPECT_TRUE(open_device("cpu", "model.device").is_cpu()); }

TEST(Device, AMissingGpuIsAnErrorThatNamesTheOption) {
  if (has_gpu()) GTEST_SKIP() << "there is a GPU";
  EXPECT_EQ(error_of([] { open_device("cuda", "model.device"); }),
            "model.device: expected a CUDA GPU for \"cuda\", got none");
}

TEST(Device, MemoryOfTheCpuIsTheProcesss) {
  const MemoryUse before = memory_use(at::kCPU);
  const at::Tensor held = torch::ones({int64_t{16} << 20});  // 64 MiB
  const MemoryUse after = memory_use(at::kCPU);
  EXPECT_GT(before.now, 0);
  EXPECT_GT(after.now - before.now, int64_t{60} << 20);
  EXPECT_GE(after.peak, after.now);
}

TEST(Device, TheGroupRefusesTensorsOfOthers) {
  ProcessGroup group(LaunchInfo{});
  at::Tensor other = torch::empty({2}, at::kMeta);
  EXPECT_EQ(error_of([&] { group.all_reduce_sum(other); }),
            "all_reduce_sum: expected a tensor on cpu, got one on meta");
}

#ifdef SERENDIP_CUDA
NewNccl* open_nccl() {
  void* library = dlopen(kNcclLibrary, RTLD_NOW);
  return library == nullptr ? nullptr : reinterpret_cast<NewNccl*>(dlsym(library, kNewNccl));
}

// They are opened only where there is a GPU; without one this shows that they can be.
TEST(Device, CudaBuildsFindTheCudaHalfOfLibTorchAndNccl) {
  has_gpu();
  EXPECT_NE(dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_NOLOAD), nullptr) << dlerror();
  EXPECT_NE(open_nccl(), nullptr) << dlerror();
}

TEST(Device, gpu_NcclSums) {
  if (!has_gpu()) GTEST_SKIP() << "gpu: no CUDA device";
  const at::Device device = open_device("cuda", "model.device");
  const auto group =
      open_nccl()(c10::make_intrusive<c10d::HashStore>(), 0, 1, std::chrono::minutes(1));
  std::vector<at::Tensor> values = {torch::ones({3}, device)};
  group->allreduce(values)->wait();
  EXPECT_EQ(values[0].sum().item<double>(), 3);
  EXPECT_GT(memory_use(device).peak, 0);
}
#endif

}  // namespace
}  // namespace serendip
