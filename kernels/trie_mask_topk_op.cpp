#include <torch/library.h>

#include "kernels/op_checks.h"
#include "kernels/ops.h"
#include "kernels/trie_mask_topk.h"
#ifdef SERENDIP_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "kernels/trie_mask_topk.cuh"
#endif

namespace serendip {
namespace {

constexpr const char* kOp = "trie_mask_topk";

void check_inputs(const at::Tensor& logits, const at::Tensor& child_offset,
                  const at::Tensor& child_token, int64_t k) {
  const at::Device device = logits.device();
  float_type_of(kOp, "logits", logits);
  check_tensor(kOp, "logits", logits, logits.scalar_type(), 2, device);
  TORCH_SYM_CHECK(logits.sym_size(1).sym_ge(1), kOp,
                  ": logits: expected a vocabulary of at least 1, got 0");
  check_tensor(kOp, "child_offset", child_offset, at::kLong, 1, device);
  check_tensor(kOp, "child_token", child_token, at::kLong, 1, device);
  check_length(kOp, "child_offset", child_offset, logits.sym_size(0) + 1);
  TORCH_CHECK(k >= 1, kOp, ": k: expected at least 1, got ", k);
}

struct Call {
  at::Tensor logits, child_offset, child_token;  // contiguous
  at::Tensor child, log_prob, log_z;
  int64_t k;

  Call(const at::Tensor& logits_, const at::Tensor& offset, const at::Tensor& token, int64_t k_)
      : logits(logits_.contiguous()),
        child_offset(offset.contiguous()),
        child_token(token.contiguous()),
        child(at::empty_symint({logits.sym_size(0), k_}, offset.options())),
        log_prob(at::empty_symint({logits.sym_size(0), k_}, logits.options().dtype(at::kFloat))),
        log_z(at::empty_symint({logits.sym_size(0)}, log_prob.options())),
        k(k_) {}

  TrieMaskTopkInput input() const {
    return {logits.const_data_ptr(),
            child_offset.const_data_ptr<int64_t>(),
            child_token.const_data_ptr<int64_t>(),
            float_type_of(kOp, "logits", logits),
            logits.size(0),
            logits.size(1),
            k};
  }
  TrieMaskTopkOutput output() const {
    return {child.mutable_data_ptr<int64_t>(), log_prob.mutable_data_ptr<float>(),
            log_z.mutable_data_ptr<float>()};
  }
  std::tuple<at::Tensor, at::Tensor, at::Tensor> result() const { return {child, log_prob, log_z}; }
};

std::tuple<at::Tensor, at::Tensor, at::Tensor> on_cpu(const at::Tensor& logits,
                                                      const at::Tensor& child_offset,
                                                      const at::Tensor& child_token, int64_t k) {
  check_inputs(logits, child_offset, child_token, k);
  const Call call(logits, child_offset, child_token, k);
  check_offsets(kOp, "child_offset", call.child_offset, child_token.numel());
  check_indices(kOp, "child_token", call.child_token, logits.size(1));
  trie_mask_topk_cpu(call.input(), call.output());
  return call.result();
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> on_meta(const at::Tensor& logits,
                                                       const at::Tensor& child_offset,
                                                       const at::Tensor& child_token, int64_t k) {
  check_inputs(logits, child_offset, child_token, k);
  return Call(logits, child_offset, child_token, k).result();
}

#ifdef SERENDIP_CUDA
// Children are new with every step: a look at their values would cost a transfer each.
std::tuple<at::Tensor, at::Tensor, at::Tensor> on_cuda(const at::Tensor& logits,
                                                       const at::Tensor& child_offset,
                                                       const at::Tensor& child_token, int64_t k) {
  check_inputs(logits, child_offset, child_token, k);
  const c10::cuda::CUDAGuard guard(logits.device());
  const Call call(logits, child_offset, child_token, k);
  trie_mask_topk_cuda(call.input(), call.output(), c10::cuda::getCurrentCUDAStream().stream());
  return call.result();
}
#endif

}  // namespace

std::tuple<at::Tensor, at::Tensor, at::Tensor> trie_mask_topk(const at::Tensor& logits,
                                                              const at::Tensor& child_offset,
                                                              const at::Tensor& child_token,
                                                              int64_t k) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("serendip::trie_mask_topk", "")
                             .typed<decltype(trie_mask_topk)>();
  return op.call(logits, child_offset, child_token, k);
}

TORCH_LIBRARY_FRAGMENT(serendip, library) {
  library.def(
      "trie_mask_topk(Tensor logits, Tensor child_offset, Tensor child_token, int k) -> "
      "(Tensor child, Tensor log_prob, Tensor log_z)");
}

TORCH_LIBRARY_IMPL(serendip, CPU, library) { library.impl("trie_mask_topk", on_cpu); }
TORCH_LIBRARY_IMPL(serendip, Meta, library) { library.impl("trie_mask_topk", on_meta); }
#ifdef SERENDIP_CUDA
TORCH_LIBRARY_IMPL(serendip, CUDA, library) { library.impl("trie_mask_topk", on_cuda); }
#endif

}  // namespace serendip
