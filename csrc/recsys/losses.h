// Losses of the next item, as functions of states and item vectors.
//
// P places, d dimensions, N items, S negatives:
//   state, query     [P, d]
//   item_embedding   [N, d]; item n scores state . item_embedding[n]
//   target           i64 [P]
// All floating-point tensors of one dtype (float64 in tests) and device.
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace serendip {

// Cross-entropy under the softmax over all items, [M] nats, of M pairs of a place and a target:
// several targets a place, or none. Of each target, `label_smoothing` in [0, 1) is shared by all
// items evenly (Szegedy et al. 2016).
//   place, target  i64 [M]
at::Tensor softmax_loss(const at::Tensor& state, const at::Tensor& item_embedding,
                        const at::Tensor& place, const at::Tensor& target,
                        double label_smoothing = 0.0);

struct Negatives {
  at::Tensor item;                // i64 [S]
  at::Tensor vector;              // [S, d]
  at::Tensor log_expected_count;  // [N] log of how often an item is expected among the S
};

// Cross-entropy of the target among itself and the negatives, [P] nats, every score lowered by the
// log of the item's expected count (logQ correction: Bengio and Senecal 2008; for items drawn in
// the batch Yi et al. 2019), so that its minimum is the full softmax's whatever the number and the
// distribution of the negatives. A negative that is the place's target is left out of that place.
//   target_vector [P, d]; every target is an item
at::Tensor sampled_softmax_loss(const at::Tensor& query, const at::Tensor& target_vector,
                                const at::Tensor& target, const Negatives& negatives);

// log softmax over all items at the target, [P], every target an item. Where P * N exceeds
// `most_scores` and the tensors are float32, item by item range and again in the backward pass,
// instead of with all scores in memory; equal to rounding.
at::Tensor exact_log_prob(const at::Tensor& state, const at::Tensor& item_embedding,
                          const at::Tensor& target, int64_t most_scores = int64_t{1} << 27);

struct ReinforceOptions {
  double top_k = 16.0;      // K, at least 1; 1 is plain off-policy REINFORCE
  double weight_cap = 1.0;  // c
};

// The surrogate whose gradient is that of top-K off-policy-corrected REINFORCE (Chen et al. 2019,
// eq. 6, 7 and 13), a scalar:
//   - mean_p min(pi_p / beta_p, c) K (1 - pi_p)^(K - 1) reward_p log pi_p
// where all but the last factor are constants to the gradient.
//   log_prob            [P] log pi of the action taken, differentiable
//   behaviour_log_prob  [P] log beta of it; no gradient flows there
//   reward              [P] at least 0
at::Tensor reinforce_loss(const at::Tensor& log_prob, const at::Tensor& behaviour_log_prob,
                          const at::Tensor& reward, const ReinforceOptions& options);

}  // namespace serendip
