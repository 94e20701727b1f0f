#include "lm/attention.h"

#include "kernels/ops.h"

namespace serendip {
namespace {

using torch::Tensor;

// A single sequence from its first token on: node t is at position t.
bool is_whole_sequence(const TokenTreeBatch& batch, int64_t key_rows) {
  const int64_t rows = batch.positions.numel();
  return rows == key_rows && batch.positions.is_cpu() &&
         torch::equal(batch.positions, torch::arange(rows, torch::kInt64));
}

// [T, key_rows], to be added to scores: 0 at the last `window` rows of every node's path, at all of
// it for 0, and -inf elsewhere.
Tensor path_mask(const TokenTreeBatch& batch, int64_t key_rows, int64_t window) {
  const int64_t rows = batch.positions.numel();
  const Tensor end = batch.path_offset.narrow(0, 1, rows);
  const Tensor entry = torch::arange(batch.path.numel(), end.options());
  Tensor row = torch::searchsorted(end, entry, /*out_int32=*/false, /*right=*/true);
  if (window > 0) {
    const Tensor last = end.index_select(0, row.clamp_max(rows - 1));
    row = torch::where(entry >= last - window, row, rows);
  }
  // A row more, for entries behind the paths or before the window.
  Tensor mask =
      torch::full({rows + 1, key_rows}, -INFINITY, batch.path.options().dtype(torch::kFloat32));
  mask.view(-1).index_fill_(0, row * key_rows + batch.path, 0);
  return mask.narrow(0, 0, rows);
}

// [T, H, d] -> [1, H, T, d].
Tensor heads_first(const Tensor& rows) { return rows.transpose(0, 1).unsqueeze(0); }

}  // namespace

AttentionMethod attention_method_for(const torch::TensorOptions& rows, int64_t head_dim) {
  if (rows.device().is_cpu()) return AttentionMethod::kTree;
#ifdef SERENDIP_CUDA
  const bool has_kernel = rows.device().is_cuda() && head_dim % 8 == 0 && head_dim <= 256 &&
                          c10::typeMetaToScalarType(rows.dtype()) != torch::kFloat64;
  if (has_kernel) return AttentionMethod::kTree;
#else
  (void)head_dim;
#endif
  return AttentionMethod::kTorch;
}

torch::ScalarType key_value_dtype(AttentionMethod method, const torch::TensorOptions& rows) {
  const auto dtype = c10::typeMetaToScalarType(rows.dtype());
  const bool widened = method == AttentionMethod::kTree && rows.device().is_cpu() &&
                       c10::isReducedFloatingType(dtype);
  return widened ? torch::kFloat32 : dtype;
}

Attention::Attention(AttentionMethod method, const TokenTreeBatch& batch, int64_t key_rows,
                     const kernels::TreeAttentionOptions& options, const torch::TensorOptions& rows)
    : method_(method), options_(options) {
  if (method == AttentionMethod::kTree) {
    path_offset_ = batch.path_offset.to(rows.device());
    path_ = batch.path.to(rows.device());
    return;
  }
  const bool window_holds_all = options.window == 0 || options.window >= key_rows;
  if (options.softcap == 0 && window_holds_all && is_whole_sequence(batch, key_rows)) return;
  mask_ = path_mask(batch, key_rows, options.window).to(rows);
}

Tensor Attention::operator()(const Tensor& query, const Tensor& key, const Tensor& value) const {
  if (method_ == AttentionMethod::kTorch) return by_torch(query, key, value);
  const auto wide = key_value_dtype(method_, query.options());
  return tree_attention(query.to(wide), key.to(wide), value.to(wide), path_offset_, path_, options_)
      .to(query.scalar_type());
}

Tensor Attention::by_torch(const Tensor& query, const Tensor& key, const Tensor& value) const {
  const int64_t group = query.size(1) / key.size(1);
  const Tensor queries = heads_first(query);
  Tensor out;
  if (!mask_.defined()) {
    out = at::scaled_dot_product_attention(queries, heads_first(key), heads_first(value), {},
                                           /*dropout_p=*/0, /*is_causal=*/true, options_.scale,
                                           /*enable_gqa=*/group > 1);
  } else {
    // Its kernels that take a mask want a key head for every query head.
    const Tensor keys = heads_first(key).repeat_interleave(group, 1);
    const Tensor values = heads_first(value).repeat_interleave(group, 1);
    if (options_.softcap == 0) {
      out = at::scaled_dot_product_attention(queries, keys, values, mask_, /*dropout_p=*/0,
                                             /*is_causal=*/false, options_.scale);
    } else {
      const Tensor scores = torch::matmul(queries, keys.transpose(-1, -2)) * options_.scale;
      const Tensor capped = options_.softcap * torch::tanh(scores / options_.softcap);
      const Tensor weights = torch::softmax(
          capped + mask_, -1,
          c10::isReducedFloatingType(query.scalar_type()) ? torch::kFloat32 : query.scalar_type());
      out = torch::matmul(weights.to(query.scalar_type()), values);
    }
  }
  return out.squeeze(0).transpose(0, 1);
}

}  // namespace serendip
