#include "recsys/losses.h"

#include <limits>

#include "kernels/ops.h"

namespace serendip {
namespace {

constexpr int64_t kRangeItems = 4096;  // scored at once where not all scores fit

// The whole catalogue as ranges of items, all of them named by every row.
at::Tensor log_prob_by_ranges(const at::Tensor& state, const at::Tensor& item_embedding,
                              const at::Tensor& target) {
  const int64_t items = item_embedding.size(0), rows = state.size(0);
  const int64_t ranges = (items + kRangeItems - 1) / kRangeItems;
  const auto whole = at::TensorOptions(at::kLong).device(state.device());
  const at::Tensor offset = (at::arange(ranges + 1, whole) * kRangeItems).clamp_max(items);
  const at::Tensor row_offset = at::arange(rows + 1, whole) * ranges;
  const at::Tensor row_range = at::arange(ranges, whole).repeat({rows});
  return std::get<0>(
      cluster_log_softmax(state, item_embedding, offset, row_offset, row_range, target));
}

}  // namespace

at::Tensor softmax_loss(const at::Tensor& state, const at::Tensor& item_embedding,
                        const at::Tensor& place, const at::Tensor& target, double label_smoothing) {
  // The targets' scores apart: gradients of the matrix of all scores are then those of logsumexp.
  const at::Tensor log_z = state.matmul(item_embedding.t()).logsumexp(1);
  at::Tensor vector = item_embedding.index_select(0, target);
  if (label_smoothing > 0.0) vector = vector.lerp(item_embedding.mean(0), label_smoothing);
  return log_z.index_select(0, place) - (state.index_select(0, place) * vector).sum(1);
}

at::Tensor sampled_softmax_loss(const at::Tensor& query, const at::Tensor& target_vector,
                                const at::Tensor& target, const Negatives& negatives) {
  const at::Tensor& log_count = negatives.log_expected_count;
  const at::Tensor target_score =
      (query * target_vector).sum(1) - log_count.index_select(0, target);
  const at::Tensor hit = target.unsqueeze(1) == negatives.item.unsqueeze(0);  // [P, S]
  const at::Tensor negative_score =
      (query.matmul(negatives.vector.t()) - log_count.index_select(0, negatives.item))
          .masked_fill(hit, -std::numeric_limits<double>::infinity());
  const at::Tensor scores = at::cat({target_score.unsqueeze(1), negative_score}, 1);
  return scores.logsumexp(1) - target_score;
}

at::Tensor exact_log_prob(const at::Tensor& state, const at::Tensor& item_embedding,
                          const at::Tensor& target, int64_t most_scores) {
  const bool fits = state.size(0) * item_embedding.size(0) <= most_scores;
  if (!fits && state.scalar_type() == at::kFloat)
    return log_prob_by_ranges(state, item_embedding, target);
  return state.matmul(item_embedding.t()).log_softmax(1).gather(1, target.unsqueeze(1)).squeeze(1);
}

at::Tensor reinforce_loss(const at::Tensor& log_prob, const at::Tensor& behaviour_log_prob,
                          const at::Tensor& reward, const ReinforceOptions& options) {
  const at::Tensor log_pi = log_prob.detach();
  const at::Tensor weight =
      (log_pi - behaviour_log_prob.detach()).exp().clamp_max(options.weight_cap);
  const at::Tensor lambda =
      options.top_k * (1.0 - log_pi.exp()).clamp_min(0.0).pow(options.top_k - 1.0);
  return -(weight * lambda * reward.detach() * log_prob).mean();
}

}  // namespace serendip
