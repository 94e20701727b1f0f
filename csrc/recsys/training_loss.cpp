#include "recsys/training_loss.h"

#include "base/check.h"
#include "base/random.h"

namespace serendip {
namespace {

constexpr uint64_t kNegativeStream =
    0x6e656761746976;  // apart from the streams of rows and weights

std::vector<double> negative_probability(const std::string& kind,
                                         const std::vector<int64_t>& count) {
  if (kind == "uniform") return std::vector<double>(count.size(), 1.0);
  if (kind == "log_uniform") return log_uniform_probability(count);
  return {count.begin(), count.end()};
}

at::Tensor boosted_rewards(const HeldOut& data, const ItemOrder& order, double novelty_boost) {
  std::vector<float> reward = data.events.reward;
  const std::vector<bool> novel = novel_events(data.events, order);
  for (size_t user = 0; user < data.training_end.size(); ++user)
    for (int64_t at = data.events.offset[user]; at < data.training_end[user]; ++at) {
      const auto event = static_cast<size_t>(at);
      SERENDIP_CHECK(reward[event] >= 0.0f,
                     "recommend train: event {}: loss reinforce expects rewards of at least 0, got "
                     "{}",
                     event, reward[event]);
      if (novel[event]) reward[event] *= static_cast<float>(novelty_boost);
    }
  return torch::tensor(reward);
}

}  // namespace

TrainingLoss::TrainingLoss(const RecommendOptions& options, const HeldOut& data,
                           const ItemOrder& order)
    : options_(options) {
  if (options.loss == "sampled_softmax") {
    // A user's first event is nobody's target.
    const NegativeSampler sampler(
        negative_probability(options.negatives, data.training_counts(order.size(), /*skipped=*/1)));
    log_probability_ = torch::tensor(sampler.probability(), at::kDouble).log().to(at::kFloat);
    if (options.negatives != "in_batch") sampler_ = sampler;
  }
  if (options.loss == "reinforce") reward_ = boosted_rewards(data, order, options.novelty_boost);
}

at::Tensor TrainingLoss::operator()(const SequenceModel& model, const at::Tensor& state,
                                    const at::Tensor& target, const at::Tensor& event,
                                    uint64_t step) const {
  const at::Tensor pairs = target.ge(0).nonzero();  // [M, 2]
  const at::Tensor place = pairs.select(1, 0), ahead = pairs.select(1, 1);
  const at::Tensor targets = target.index({place, ahead});
  const at::Tensor weight = ahead.neg().to(state.options()).exp2();
  const auto weighted_mean = [&](const at::Tensor& losses) {
    return (weight * losses).sum() / weight.sum();
  };
  if (options_.loss == "softmax")
    return weighted_mean(
        softmax_loss(state, model->item_embedding, place, targets, options_.label_smoothing));
  const at::Tensor states = state.index_select(0, place);
  if (options_.loss == "sampled_softmax")
    return weighted_mean(sampled(model, states, targets, targets.masked_select(ahead.eq(0)), step));
  const at::Tensor predicted = event.index_select(0, place) + 1;
  return reinforced(model, states, targets,
                    reward_.index_select(0, predicted.to(at::kCPU)).to(state.options()));
}

at::Tensor TrainingLoss::sampled(const SequenceModel& model, const at::Tensor& state,
                                 const at::Tensor& target, const at::Tensor& next,
                                 uint64_t step) const {
  Negatives negatives;
  negatives.item = next;
  if (sampler_) {
    Random random(static_cast<uint64_t>(options_.seed), mix_bits(step) ^ kNegativeStream);
    negatives.item = torch::tensor(sampler_->draw(random, options_.negative_count), at::kLong)
                         .to(target.device());
  }
  negatives.vector = model->item_vectors(negatives.item);
  // The number of draws would cancel: it moves every score alike.
  negatives.log_expected_count = log_probability_.to(state.options());
  return sampled_softmax_loss(state, model->item_vectors(target), target, negatives);
}

at::Tensor TrainingLoss::reinforced(const SequenceModel& model, const at::Tensor& state,
                                    const at::Tensor& target, const at::Tensor& reward) const {
  const at::Tensor log_prob = exact_log_prob(state, model->item_embedding, target);
  const at::Tensor behaviour = exact_log_prob(state.detach(), model->behaviour_embedding, target);
  return reinforce_loss(log_prob, behaviour, reward, {options_.top_k, options_.weight_cap}) -
         behaviour.mean();
}

}  // namespace serendip
