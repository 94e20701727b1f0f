#include "kernels/launch.cuh"
#include "kernels/token_cross_entropy.cuh"
#include "kernels/token_cross_entropy_kernel.cuh"

namespace serendip {

void token_cross_entropy_cuda(const TokenCrossEntropyInput& input, float* loss,
                              cudaStream_t stream) {
  using namespace token_cross_entropy_device;
  check_range("token_cross_entropy: rows", input.rows, 0, INT32_MAX);
  if (input.rows == 0) return;
  with_vector_type(input.type, input.logits, input.vocabulary, [&](auto value, auto vector) {
    token_cross_entropy_kernel<decltype(value), vector.value>
        <<<static_cast<unsigned>(input.rows), kThreads, shared_bytes(), stream>>>(input, loss);
    check_cuda(cudaGetLastError(), "token_cross_entropy");
  });
}

}  // namespace serendip
