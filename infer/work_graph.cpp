#include "infer/work_graph.h"

#ifdef SERENDIP_CUDA
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime.h>

#include <atomic>
#include <utility>
#endif

namespace serendip {
namespace {

class DirectWork : public WorkGraph {
 public:
  void run(const std::function<void()>& work) override { work(); }
};

#ifdef SERENDIP_CUDA
namespace allocator = c10::cuda::CUDACachingAllocator;

// at::cuda::CUDAGraph does as much, but would link the CUDA half of LibTorch into every program.
class CudaWorkGraph : public WorkGraph {
 public:
  explicit CudaWorkGraph(c10::DeviceIndex device)
      : device_(device), pool_(kFirstPool + ++pools_made, 0) {}

  ~CudaWorkGraph() override {
    if (executable_ == nullptr) return;
    C10_CUDA_CHECK_WARN(cudaGraphExecDestroy(executable_));
    allocator::releasePool(device_, pool_);
  }

  void run(const std::function<void()>& work) override {
    // Libraries set themselves up in a first run, which must not be recorded.
    if (!std::exchange(is_warm_, true)) {
      work();
      return;
    }
    if (executable_ == nullptr) record(work);
    C10_CUDA_CHECK(cudaGraphLaunch(executable_, c10::cuda::getCurrentCUDAStream().stream()));
  }

 private:
  // Memory that the work allocates comes from a pool that nothing else uses while the graph lives.
  void record(const std::function<void()>& work) {
    const c10::cuda::CUDAStream stream =
        c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device_);
    const c10::cuda::CUDAStreamGuard guard(stream);
    cudaGraph_t graph = nullptr;
    allocator::beginAllocateToPool(device_, pool_,
                                   [stream](cudaStream_t used) { return used == stream.stream(); });
    C10_CUDA_CHECK(cudaStreamBeginCapture(stream.stream(), cudaStreamCaptureModeThreadLocal));
    try {
      work();
    } catch (...) {
      C10_CUDA_CHECK_WARN(cudaStreamEndCapture(stream.stream(), &graph));
      allocator::endAllocateToPool(device_, pool_);
      allocator::releasePool(device_, pool_);
      throw;
    }
    C10_CUDA_CHECK(cudaStreamEndCapture(stream.stream(), &graph));
    allocator::endAllocateToPool(device_, pool_);
    C10_CUDA_CHECK(cudaGraphInstantiate(&executable_, graph, 0));
    C10_CUDA_CHECK(cudaGraphDestroy(graph));
  }

  // Beyond those that LibTorch's own graphs count from 1.
  static constexpr c10::cuda::CaptureId_t kFirstPool = c10::cuda::CaptureId_t{1} << 40;
  static inline std::atomic<c10::cuda::CaptureId_t> pools_made = 0;

  c10::DeviceIndex device_;
  c10::cuda::MempoolId_t pool_;
  bool is_warm_ = false;
  cudaGraphExec_t executable_ = nullptr;
};
#endif

}  // namespace

std::unique_ptr<WorkGraph> make_work_graph(torch::Device device) {
#ifdef SERENDIP_CUDA
  if (device.is_cuda()) return std::make_unique<CudaWorkGraph>(device.index());
#else
  (void)device;
#endif
  return std::make_unique<DirectWork>();
}

}  // namespace serendip
