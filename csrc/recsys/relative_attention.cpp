#include "recsys/relative_attention.h"

#include <cmath>
#include <limits>

namespace serendip {

at::Tensor distance_selector(int64_t length, int64_t max_distance,
                             const at::TensorOptions& options) {
  const at::Tensor place = torch::arange(length, at::kLong);
  const at::Tensor distance = (place.unsqueeze(1) - place.unsqueeze(0)).clamp(0, max_distance);
  return at::one_hot(distance.flatten(), max_distance + 1).to(options);
}

at::Tensor causal_bias(const at::Tensor& segment, const at::TensorOptions& options) {
  const int64_t length = segment.size(1);
  const at::Tensor same = segment.unsqueeze(2) == segment.unsqueeze(1);
  const at::Tensor hidden = same.tril().logical_not().view({-1, 1, length, length});
  return at::zeros(hidden.sizes(), options)
      .masked_fill_(hidden, -std::numeric_limits<double>::infinity());
}

// The distance terms are matrix products too: at place i, all B * H queries meet the same T rows
// aK_d(i, .), and all B * H rows of weights the same T rows aV_d(i, .).
at::Tensor relative_attention(const at::Tensor& query, const at::Tensor& key,
                              const at::Tensor& value, const at::Tensor& key_distance,
                              const at::Tensor& value_distance, const at::Tensor& selector,
                              const at::Tensor& bias, Dropout& dropout) {
  const int64_t batch = query.size(0), heads = query.size(1);
  const int64_t length = query.size(2), width = query.size(3);
  const auto by_place = [&](const at::Tensor& values) {  // [B, H, T, x] -> [T, B * H, x]
    return values.permute({2, 0, 1, 3}).reshape({length, batch * heads, values.size(3)});
  };
  const auto by_head = [&](const at::Tensor& values) {  // the way back
    return values.view({length, batch, heads, values.size(2)}).permute({1, 2, 0, 3});
  };
  const at::Tensor key_rows = selector.matmul(key_distance).view({length, length, width});
  const at::Tensor value_rows = selector.matmul(value_distance).view({length, length, width});

  const at::Tensor scaled = query / std::sqrt(static_cast<double>(width));
  const at::Tensor scores = scaled.matmul(key.transpose(2, 3)) +
                            by_head(by_place(scaled).bmm(key_rows.transpose(1, 2))) + bias;
  const at::Tensor weights = dropout(scores.softmax(3));
  return weights.matmul(value) + by_head(by_place(weights).bmm(value_rows));
}

}  // namespace serendip
