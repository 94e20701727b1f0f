#include "recsys/train_model.h"

#include <chrono>
#include <cmath>

#include "base/check.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "distributed/device.h"
#include "recsys/evaluate.h"
#include "recsys/ranking.h"

namespace serendip {
namespace {

constexpr int64_t kValidationK = 10;

std::unique_ptr<torch::optim::AdamW> make_optimizer(const RecommendOptions& options,
                                                    SequenceModel& model) {
  std::vector<at::Tensor> matrices, vectors;
  for (const at::Tensor& parameter : model->parameters())
    (parameter.dim() >= 2 ? matrices : vectors).push_back(parameter);
  const auto group = [&](const std::vector<at::Tensor>& parameters, double decay) {
    return torch::optim::OptimizerParamGroup(
        parameters, std::make_unique<torch::optim::AdamWOptions>(
                        torch::optim::AdamWOptions(options.learning_rate).weight_decay(decay)));
  };
  return std::make_unique<torch::optim::AdamW>(std::vector<torch::optim::OptimizerParamGroup>{
      group(matrices, options.weight_decay), group(vectors, 0.0)});
}

// One pass over the training events; returns the mean loss of its steps.
double train_epoch(SequenceModel& model, torch::optim::AdamW& optimizer, const PackedRows& rows,
                   const RecommendOptions& options, Dropout& dropout, uint64_t& step) {
  const at::Device device = model->item_embedding.device();
  const int64_t row_count = rows.item.size(0);
  double loss_sum = 0.0;
  int64_t steps = 0;
  for (int64_t first = 0; first < row_count; first += options.batch_size, ++steps) {
    throw_if_interrupted();
    const int64_t last = std::min(first + options.batch_size, row_count);
    const auto batch = [&](const at::Tensor& values) {
      return values.slice(0, first, last).to(device);
    };
    dropout.begin_step(step++);
    optimizer.zero_grad();
    const at::Tensor loss =
        model->loss(batch(rows.item), batch(rows.segment), batch(rows.target), dropout);
    loss.backward();
    optimizer.step();
    loss_sum += loss.item<double>();
  }
  return loss_sum / static_cast<double>(steps);
}

std::vector<at::Tensor> copy_weights(const SequenceModel& model) {
  std::vector<at::Tensor> weights;
  for (const at::Tensor& parameter : model->parameters())
    weights.push_back(parameter.detach().clone());
  return weights;
}

void restore_weights(SequenceModel& model, const std::vector<at::Tensor>& weights) {
  torch::NoGradGuard no_gradients;
  const std::vector<at::Tensor> parameters = model->parameters();
  for (size_t at = 0; at < weights.size(); ++at) at::Tensor(parameters[at]).copy_(weights[at]);
}

}  // namespace

TrainedModel train_sequence_model(const RecommendOptions& options, int64_t item_count,
                                  const HeldOut& data,
                                  const std::function<void(const EpochReport&)>& report) {
  using Clock = std::chrono::steady_clock;
  const auto seed = static_cast<uint64_t>(options.seed);
  TrainedModel result;
  SequenceModel model(SequenceModelConfig{item_count, options.dimensions, options.layers,
                                          options.heads, options.max_length, options.max_distance},
                      seed);
  model->to(open_device(options.device, "recommend.device"));
  const auto optimizer = make_optimizer(options, model);
  Dropout dropout(options.dropout, seed);
  std::vector<at::Tensor> best_weights;
  uint64_t step = 0;
  Progress progress("recommend train", options.epochs, "epochs");
  while (result.epochs < options.epochs && result.epochs - result.best_epoch < options.patience) {
    const Clock::time_point start = Clock::now();
    const PackedRows rows =
        pack_rows(data.training, options.max_length, seed, static_cast<uint64_t>(result.epochs));
    SERENDIP_CHECK(rows.item.size(0) > 0,
                   "recommend train: expected users with at least 2 training events, got none");
    const double loss = train_epoch(model, *optimizer, rows, options, dropout, step);
    ++result.epochs;
    SERENDIP_CHECK(std::isfinite(loss), "recommend train: epoch {}: expected a finite loss, got {}",
                   result.epochs, loss);
    const double ndcg = ndcg_at(model_ranks(model, data, HeldOutEvent::kValidation), kValidationK);
    if (best_weights.empty() || ndcg > result.validation_ndcg_at_10) {
      result.best_epoch = result.epochs;
      result.validation_ndcg_at_10 = ndcg;
      best_weights = copy_weights(model);
    }
    progress.advance(
        1, fmt::format("loss {:.4f}, validation NDCG@{} {:.4f}", loss, kValidationK, ndcg));
    report(
        {result.epochs, loss, ndcg, std::chrono::duration<double>(Clock::now() - start).count()});
  }
  restore_weights(model, best_weights);
  model->to(at::kCPU);
  result.model = model;
  return result;
}

}  // namespace serendip
