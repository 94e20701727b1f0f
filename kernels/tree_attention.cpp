#include "kernels/tree_attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace serendip::kernels {
namespace {

template <typename T>
inline T dot(const T* a, const T* b, int64_t size) {
  T sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < size; ++i) sum += a[i] * b[i];
  return sum;
}

template <typename T>
inline void add_scaled(T* out, T factor, const T* values, int64_t size) {
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) out[i] += factor * values[i];
}

// The rows of t's path that it sees: offsets into paths.path.
struct Seen {
  int64_t begin, end;
};

inline Seen seen(const TreePaths& paths, const TreeAttentionOptions& options, int64_t t) {
  const int64_t begin = paths.offset[t], end = paths.offset[t + 1];
  return {options.window > 0 ? std::max(begin, end - options.window) : begin, end};
}

}  // namespace

template <typename T>
void tree_attention_forward(const TreeAttentionShape& shape, const TreePaths& paths,
                            const TreeAttentionOptions& options, const T* query, const T* key,
                            const T* value, int64_t begin, int64_t end, T* out, T* log_sum_exp) {
  const int64_t d = shape.head_dim, heads = shape.heads, key_row = shape.key_value_heads * d;
  const int64_t group = heads / shape.key_value_heads;
  const T scale = static_cast<T>(options.scale), softcap = static_cast<T>(options.softcap);
  std::vector<T> weights;
  for (int64_t t = begin; t < end; ++t) {
    const auto [first, last] = seen(paths, options, t);
    const int32_t* path = paths.path + first;
    const int64_t length = last - first;
    weights.resize(static_cast<size_t>(length));
    for (int64_t h = 0; h < heads; ++h) {
      const int64_t key_head = h / group * d;
      const T* query_row = query + (t * heads + h) * d;
      T* out_row = out + (t * heads + h) * d;
      T largest = -INFINITY, total = 0;
      for (int64_t j = 0; j < length; ++j) {
        T score = scale * dot(query_row, key + path[j] * key_row + key_head, d);
        if (softcap > 0) score = softcap * std::tanh(score / softcap);
        weights[static_cast<size_t>(j)] = score;
        largest = std::max(largest, score);
      }
      for (T& weight : weights) {
        weight = std::exp(weight - largest);
        total += weight;
      }
      std::fill(out_row, out_row + d, T{0});
      for (int64_t j = 0; j < length; ++j)
        add_scaled(out_row, weights[static_cast<size_t>(j)] / total,
                   value + path[j] * key_row + key_head, d);
      log_sum_exp[t * heads + h] = largest + std::log(total);
    }
  }
}

template <typename T>
void tree_attention_backward_rows(const TreeAttentionShape& shape, const TreePaths& paths,
                                  const TreeAttentionOptions& options, const T* query, const T* key,
                                  const T* value, const T* out, const T* log_sum_exp,
                                  const T* grad_out, int64_t begin, int64_t end, T* grad_query,
                                  const TreeAttentionScores<T>& scores) {
  const int64_t d = shape.head_dim, heads = shape.heads, key_row = shape.key_value_heads * d;
  const int64_t group = heads / shape.key_value_heads;
  const T scale = static_cast<T>(options.scale), softcap = static_cast<T>(options.softcap);
  for (int64_t t = begin; t < end; ++t) {
    const auto [first, last] = seen(paths, options, t);
    std::fill(scores.weight + paths.offset[t] * heads, scores.weight + first * heads, T{0});
    std::fill(scores.grad_score + paths.offset[t] * heads, scores.grad_score + first * heads, T{0});
    for (int64_t h = 0; h < heads; ++h) {
      const int64_t row = (t * heads + h) * d;
      const T mean_grad = dot(grad_out + row, out + row, d);
      std::fill(grad_query + row, grad_query + row + d, T{0});
      for (int64_t j = first; j < last; ++j) {
        const int64_t at = paths.path[j] * key_row + h / group * d;
        T score = scale * dot(query + row, key + at, d), slope = scale;
        if (softcap > 0) {
          const T bent = std::tanh(score / softcap);
          score = softcap * bent;
          slope *= 1 - bent * bent;
        }
        const T weight = std::exp(score - log_sum_exp[t * heads + h]);
        const T grad_score = slope * weight * (dot(grad_out + row, value + at, d) - mean_grad);
        add_scaled(grad_query + row, grad_score, key + at, d);
        scores.weight[j * heads + h] = weight;
        scores.grad_score[j * heads + h] = grad_score;
      }
    }
  }
}

template <typename T>
void tree_attention_backward_keys(const TreeAttentionShape& shape, const TreePaths& paths,
                                  const T* query, const T* grad_out,
                                  const TreeAttentionScores<T>& scores, int64_t rows,
                                  int64_t key_value_head, int64_t part, int64_t parts, T* grad_key,
                                  T* grad_value) {
  const int64_t d = shape.head_dim, heads = shape.heads, key_row = shape.key_value_heads * d;
  const int64_t group = heads / shape.key_value_heads;
  for (int64_t t = 0; t < rows; ++t) {
    for (int64_t j = paths.offset[t]; j < paths.offset[t + 1]; ++j) {
      if (paths.path[j] % parts != part) continue;
      const int64_t at = paths.path[j] * key_row + key_value_head * d;
      for (int64_t h = key_value_head * group; h < (key_value_head + 1) * group; ++h) {
        const int64_t row = (t * heads + h) * d;
        add_scaled(grad_value + at, scores.weight[j * heads + h], grad_out + row, d);
        add_scaled(grad_key + at, scores.grad_score[j * heads + h], query + row, d);
      }
    }
  }
}

template void tree_attention_forward(const TreeAttentionShape&, const TreePaths&,
                                     const TreeAttentionOptions&, const float*, const float*,
                                     const float*, int64_t, int64_t, float*, float*);
template void tree_attention_backward_rows(const TreeAttentionShape&, const TreePaths&,
                                           const TreeAttentionOptions&, const float*, const float*,
                                           const float*, const float*, const float*, const float*,
                                           int64_t, int64_t, float*,
                                           const TreeAttentionScores<float>&);
template void tree_attention_backward_keys(const TreeAttentionShape&, const TreePaths&,
                                           const float*, const float*,
                                           const TreeAttentionScores<float>&, int64_t, int64_t,
                                           int64_t, int64_t, float*, float*);
template void tree_attention_forward(const TreeAttentionShape&, const TreePaths&,
                                     const TreeAttentionOptions&, const double*, const double*,
                                     const double*, int64_t, int64_t, double*, double*);
template void tree_attention_backward_rows(const TreeAttentionShape&, const TreePaths&,
                                           const TreeAttentionOptions&, const double*,
                                           const double*, const double*, const double*,
                                           const double*, const double*, int64_t, int64_t, double*,
                                           const TreeAttentionScores<double>&);
template void tree_attention_backward_keys(const TreeAttentionShape&, const TreePaths&,
                                           const double*, const double*,
                                           const TreeAttentionScores<double>&, int64_t, int64_t,
                                           int64_t, int64_t, double*, double*);

}  // namespace serendip::kernels
