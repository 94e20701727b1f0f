// Names one function of each CUDA library that Serendip uses, so that building this program proves
// that they compile and link. It is not run.
#include <c10/cuda/CUDAStream.h>
#include <cublas_v2.h>

#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "kernels/cluster_softmax_topk.cuh"

int main() {
  cublasHandle_t handle = nullptr;
  const bool made = cublasCreate(&handle) == CUBLAS_STATUS_SUCCESS;
  const auto store = c10::make_intrusive<c10d::TCPStore>("127.0.0.1");
  const auto group = c10::make_intrusive<c10d::ProcessGroupNCCL>(store, 0, 1);
  serendip::cluster_softmax_topk_cuda({}, 0, {}, nullptr,
                                      c10::cuda::getCurrentCUDAStream().stream());
  return made && group->getSize() == 1 && cublasDestroy(handle) == CUBLAS_STATUS_SUCCESS ? 0 : 1;
}
