#include "kernels/launch.cuh"
#include "kernels/trie_mask_topk.cuh"
#include "kernels/trie_mask_topk_kernel.cuh"

namespace serendip {

void trie_mask_topk_cuda(const TrieMaskTopkInput& input, const TrieMaskTopkOutput& output,
                         cudaStream_t stream) {
  using namespace trie_mask_topk_device;
  check_range("trie_mask_topk: k", input.k, 1, kMaxK);
  check_range("trie_mask_topk: rows", input.rows, 0, INT32_MAX);
  if (input.rows == 0) return;
  with_vector_type(input.type, input.logits, input.vocabulary, [&](auto value, auto vector) {
    const auto launch = [&](auto kernel) {
      kernel<<<static_cast<unsigned>(input.rows), kThreads, shared_bytes(), stream>>>(input,
                                                                                      output);
    };
    if (input.k <= device::kLanes)
      launch(trie_mask_topk_kernel<decltype(value), vector.value, 1>);
    else
      launch(trie_mask_topk_kernel<decltype(value), vector.value, kMaxK / device::kLanes>);
    check_cuda(cudaGetLastError(), "trie_mask_topk");
  });
}

}  // namespace serendip
