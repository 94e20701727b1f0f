#include "recsys/train_model.h"

#include <algorithm>

#include "base/check.h"
#include "base/interrupt.h"
#include "distributed/device.h"
#include "recsys/evaluate.h"
#include "recsys/event_features.h"
#include "recsys/optimizer.h"
#include "recsys/ranking.h"
#include "recsys/training_loss.h"

namespace serendip {
namespace {

// Each event's features, [E].
struct EventInputs {
  at::Tensor time_gap, reward;
};

EventInputs event_inputs(const EventLog& events) {
  std::vector<int64_t> time_gap(events.time.size(), 0);
  std::vector<float> reward;
  for (const float value : events.reward) reward.push_back(compressed_reward(value));
  for (size_t user = 0; user + 1 < events.offset.size(); ++user)
    for (int64_t at = events.offset[user] + 1; at < events.offset[user + 1]; ++at) {
      const auto event = static_cast<size_t>(at);
      time_gap[event] = time_gap_bucket(events.time[event] - events.time[event - 1]);
    }
  return {torch::tensor(time_gap, at::kLong), torch::tensor(reward)};
}

// One pass over the training events; returns the mean loss of its steps.
double train_epoch(SequenceModel& model, Optimizer& optimizer, const PackedRows& rows,
                   const EventInputs& inputs, const TrainingLoss& loss_of, int64_t batch_size,
                   Dropout& dropout, uint64_t& step) {
  const at::Device device = model->item_embedding.device();
  const int64_t row_count = rows.item.size(0);
  double loss_sum = 0.0;
  int64_t steps = 0;
  for (int64_t first = 0; first < row_count; first += batch_size, ++steps) {
    throw_if_interrupted();
    const int64_t last = std::min(first + batch_size, row_count);
    const at::Tensor event = rows.event.slice(0, first, last);
    const auto batch = [&](const at::Tensor& values) {
      return values.slice(0, first, last).to(device);
    };
    const auto of_event = [&](const at::Tensor& values) {
      return values.index_select(0, event.flatten()).view_as(event).to(device);
    };
    SequenceInput input{batch(rows.item), batch(rows.segment)};
    if (model->config.time_gaps) input.time_gap = of_event(inputs.time_gap);
    if (model->config.rewards) input.reward = of_event(inputs.reward);
    dropout.begin_step(step);
    optimizer.zero_grad();
    const at::Tensor state = model->forward(input, dropout).flatten(0, 1);
    const at::Tensor loss = loss_of(model, state, batch(rows.target).flatten(0, 1),
                                    batch(rows.event).flatten(), step++);
    loss.backward();
    optimizer.step();
    loss_sum += loss.item<double>();
  }
  return loss_sum / static_cast<double>(steps);
}

SequenceModelConfig model_config(const RecommendOptions& options, int64_t item_count) {
  return {item_count,        options.dimensions, options.layers,
          options.heads,     options.max_length, options.max_distance,
          options.time_gaps, options.rewards,    /*behaviour_head=*/options.loss == "reinforce"};
}

}  // namespace

TrainedModel train_sequence_model(const RecommendOptions& options, const ItemOrder& order,
                                  const HeldOut& data,
                                  const std::function<void(const EpochReport&)>& report) {
  const auto seed = static_cast<uint64_t>(options.seed);
  SequenceModel model(model_config(options, order.size()), seed);
  model->to(open_device(options.device, "recommend.device"));
  // Nothing else of it then follows the catalogue: a step's memory and time are those of its items.
  model->sparse_gradients = options.loss == "sampled_softmax";
  std::vector<at::Tensor> tables;
  if (model->sparse_gradients) tables.push_back(model->item_embedding);
  Optimizer optimizer(options, *model, tables);
  const TrainingLoss loss_of(options, data, order);
  const EventInputs inputs = event_inputs(data.events);
  Dropout dropout(options.dropout, seed);
  // An action that was logged has one state, the one before it.
  const int64_t horizon = options.loss == "reinforce" ? 1 : options.horizon;
  uint64_t step = 0;
  const auto run_epoch = [&](int64_t epoch) {
    const PackedRows rows =
        pack_rows(data, options.max_length, horizon, seed, static_cast<uint64_t>(epoch));
    SERENDIP_CHECK(rows.item.size(0) > 0,
                   "recommend train: expected users with at least 2 training events, got none");
    return train_epoch(model, optimizer, rows, inputs, loss_of, options.batch_size, dropout, step);
  };
  const auto validation = [&] {
    return ndcg_at(model_ranking(model, data, HeldOutEvent::kValidation).rank, 10);
  };
  const TrainingResult result = train_until_best(options, *model, run_epoch, validation, report);
  model->to(at::kCPU);
  return {model, result};
}

}  // namespace serendip
