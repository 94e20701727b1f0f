// Attention over a token tree: every query row attends to its own path of key rows.
//
// The rows of a prefix tree are computed once, however many sequences run through them; a row's
// path lists its ancestors and itself, root first. The same contract serves training (keys are the
// batch's own rows) and inference (keys live in a larger arena that earlier passes filled).
//
//   score[t, h, j]  = cap(scale · query[t, h] · key[path[t][j], h / (H / G)]), cap(x) = c·tanh(x /
//   c)
//                     with a soft cap c (Gemma 2), x without; j runs over the path's last `window`
//                     rows
//   out[t, h]       = Σ_j softmax_j(score) · value[path[t][j], h / (H / G)]
//   log_sum_exp[t, h] = log Σ_j exp(score[t, h, j])
//
// On the CPU a row's result depends on its own path alone, to the bit. Backward sums the gradients
// of a key row in the order of the query rows, whatever the number of threads (Dao et al. 2022,
// algorithm 4, without tiles). The CUDA form is in kernels/tree_attention.cuh.
#pragma once

#include <cstdint>

namespace serendip::kernels {

struct TreeAttentionShape {
  int64_t heads;            // H
  int64_t key_value_heads;  // G, divides H
  int64_t head_dim;         // d
};

// Row t's path is path[path_offset[t] .. path_offset[t + 1]), never empty, indices into the key
// rows, each once.
struct TreePaths {
  const int64_t* offset;
  const int32_t* path;
};

struct TreeAttentionOptions {
  double scale = 1;
  double softcap = 0;  // 0: none
  int64_t window = 0;  // 0: the whole path
};

// Rows [begin, end). query, out: [T, H, d]; key, value: [A, G, d]; log_sum_exp: [T, H].
template <typename T>
void tree_attention_forward(const TreeAttentionShape& shape, const TreePaths& paths,
                            const TreeAttentionOptions& options, const T* query, const T* key,
                            const T* value, int64_t begin, int64_t end, T* out, T* log_sum_exp);

// What a row's part of the backward pass leaves for the keys': of every entry of its path and every
// query head, the softmax weight and the gradient of query · key; [path entries, H].
template <typename T>
struct TreeAttentionScores {
  T* weight;
  T* grad_score;
};

// Rows [begin, end): their grad_query and scores, which are 0 outside the window.
template <typename T>
void tree_attention_backward_rows(const TreeAttentionShape& shape, const TreePaths& paths,
                                  const TreeAttentionOptions& options, const T* query, const T* key,
                                  const T* value, const T* out, const T* log_sum_exp,
                                  const T* grad_out, int64_t begin, int64_t end, T* grad_query,
                                  const TreeAttentionScores<T>& scores);

// Of all `rows` query rows, what they add to the key rows a with a % parts == part of one key/value
// head; the caller has set grad_key and grad_value to zero. Parts and heads may run in parallel.
template <typename T>
void tree_attention_backward_keys(const TreeAttentionShape& shape, const TreePaths& paths,
                                  const T* query, const T* grad_out,
                                  const TreeAttentionScores<T>& scores, int64_t rows,
                                  int64_t key_value_head, int64_t part, int64_t parts, T* grad_key,
                                  T* grad_value);

}  // namespace serendip::kernels
