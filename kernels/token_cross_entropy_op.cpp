#include <torch/library.h>

#include "kernels/op_checks.h"
#include "kernels/ops.h"
#include "kernels/token_cross_entropy.h"
#ifdef SERENDIP_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "kernels/token_cross_entropy.cuh"
#endif

namespace serendip {
namespace {

constexpr const char* kOp = "token_cross_entropy_";

void check_inputs(const at::Tensor& logits, const at::Tensor& target_offset,
                  const at::Tensor& target, const at::Tensor& weight) {
  const at::Device device = logits.device();
  const bool is_double = logits.scalar_type() == at::kDouble && !logits.is_cuda();
  if (!is_double) float_type_of(kOp, "logits", logits);
  check_tensor(kOp, "logits", logits, logits.scalar_type(), 2, device);
  TORCH_CHECK(logits.is_contiguous(), kOp, ": logits: expected a contiguous tensor, got strides ",
              logits.strides());
  TORCH_SYM_CHECK(logits.sym_size(1).sym_ge(1), kOp,
                  ": logits: expected a vocabulary of at least 1, got 0");
  check_tensor(kOp, "target_offset", target_offset, at::kLong, 1, device);
  check_tensor(kOp, "target", target, at::kLong, 1, device);
  check_tensor(kOp, "weight", weight, is_double ? at::kDouble : at::kFloat, 1, device);
  check_length(kOp, "target_offset", target_offset, logits.sym_size(0) + 1);
  check_length(kOp, "weight", weight, target.sym_numel());
}

TokenCrossEntropyInput input_of(at::Tensor& logits, const at::Tensor& target_offset,
                                const at::Tensor& target, const at::Tensor& weight) {
  return {logits.mutable_data_ptr(),
          target_offset.const_data_ptr<int64_t>(),
          target.const_data_ptr<int64_t>(),
          weight.const_data_ptr<float>(),
          float_type_of(kOp, "logits", logits),
          logits.size(0),
          logits.size(1)};
}

at::Tensor on_cpu(at::Tensor& logits, const at::Tensor& target_offset, const at::Tensor& target,
                  const at::Tensor& weight) {
  check_inputs(logits, target_offset, target, weight);
  const at::Tensor offsets = target_offset.contiguous(), targets = target.contiguous(),
                   weights = weight.contiguous();
  check_offsets(kOp, "target_offset", offsets, targets.numel());
  check_indices(kOp, "target", targets, logits.size(1));
  at::Tensor loss = at::empty_like(weights);
  if (logits.scalar_type() == at::kDouble) {
    token_cross_entropy_cpu(logits.mutable_data_ptr<double>(), offsets.const_data_ptr<int64_t>(),
                            targets.const_data_ptr<int64_t>(), weights.const_data_ptr<double>(),
                            logits.size(0), logits.size(1), loss.mutable_data_ptr<double>());
    return loss;
  }
  token_cross_entropy_cpu(input_of(logits, offsets, targets, weights),
                          loss.mutable_data_ptr<float>());
  return loss;
}

at::Tensor on_meta(at::Tensor& logits, const at::Tensor& target_offset, const at::Tensor& target,
                   const at::Tensor& weight) {
  check_inputs(logits, target_offset, target, weight);
  return at::empty_like(weight);
}

#ifdef SERENDIP_CUDA
// Offsets and targets are new with every step: a look at their values would cost a transfer each.
at::Tensor on_cuda(at::Tensor& logits, const at::Tensor& target_offset, const at::Tensor& target,
                   const at::Tensor& weight) {
  check_inputs(logits, target_offset, target, weight);
  const c10::cuda::CUDAGuard guard(logits.device());
  const at::Tensor offsets = target_offset.contiguous(), targets = target.contiguous(),
                   weights = weight.contiguous();
  at::Tensor loss = at::empty_like(weights);
  token_cross_entropy_cuda(input_of(logits, offsets, targets, weights),
                           loss.mutable_data_ptr<float>(),
                           c10::cuda::getCurrentCUDAStream().stream());
  return loss;
}
#endif

}  // namespace

at::Tensor token_cross_entropy_(at::Tensor& logits, const at::Tensor& target_offset,
                                const at::Tensor& target, const at::Tensor& weight) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("serendip::token_cross_entropy_", "")
                             .typed<decltype(token_cross_entropy_)>();
  return op.call(logits, target_offset, target, weight);
}

TORCH_LIBRARY_FRAGMENT(serendip, library) {
  library.def(
      "token_cross_entropy_(Tensor(a!) logits, Tensor target_offset, Tensor target, "
      "Tensor weight) -> Tensor");
}

TORCH_LIBRARY_IMPL(serendip, CPU, library) { library.impl("token_cross_entropy_", on_cpu); }
TORCH_LIBRARY_IMPL(serendip, Meta, library) { library.impl("token_cross_entropy_", on_meta); }
#ifdef SERENDIP_CUDA
TORCH_LIBRARY_IMPL(serendip, CUDA, library) { library.impl("token_cross_entropy_", on_cuda); }
#endif

}  // namespace serendip
