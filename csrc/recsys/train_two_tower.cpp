#include "recsys/train_two_tower.h"

#include <torch/utils.h>

#include <algorithm>

#include "base/check.h"
#include "base/interrupt.h"
#include "base/random.h"
#include "distributed/device.h"
#include "recsys/evaluate.h"
#include "recsys/negative_sampler.h"
#include "recsys/optimizer.h"
#include "recsys/ranking.h"

namespace serendip {
namespace {

constexpr uint64_t kNegativeStream = 0x746f776572;  // apart from the streams of the shuffles

struct Target {
  int64_t user, event;
};

std::vector<Target> training_targets(const HeldOut& data) {
  std::vector<Target> targets;
  for (size_t user = 0; user < data.training_end.size(); ++user)
    for (int64_t event = data.events.offset[user] + 1; event < data.training_end[user]; ++event)
      targets.push_back({static_cast<int64_t>(user), event});
  SERENDIP_CHECK(!targets.empty(),
                 "recommend train: expected users with at least 2 training events, got none");
  return targets;
}

}  // namespace

TrainedTwoTower train_two_tower(const RecommendOptions& options, const ItemOrder& order,
                                const HeldOut& data,
                                const std::function<void(const EpochReport&)>& report) {
  const auto seed = static_cast<uint64_t>(options.seed);
  TwoTowerModel model(two_tower_config(order, options.dimensions, options.max_length), seed);
  const at::Device device = open_device(options.device, "recommend.device");
  model->to(device);
  // A step's memory and time are then those of its items, not of the catalogue.
  model->sparse_gradients = true;
  Optimizer optimizer(options, *model, {model->item_embedding});
  std::vector<Target> targets = training_targets(data);
  const at::Tensor counts =
      torch::tensor(data.training_counts(order.size(), /*skipped=*/1), at::kLong);
  const at::Tensor unigram = (counts.to(at::kFloat) / counts.sum()).to(device);
  const NegativeSampler uniform(std::vector<double>(static_cast<size_t>(order.size()), 1.0));
  Random negative_random(seed, kNegativeStream);
  const auto batch = static_cast<size_t>(options.batch_size * options.max_length);

  const auto step = [&](size_t first, size_t last) {
    std::vector<History> histories;
    std::vector<int64_t> items;
    for (size_t at = first; at < last; ++at) {
      histories.push_back(
          data.events.before(targets[at].user, targets[at].event, options.max_length));
      items.push_back(data.events.item[static_cast<size_t>(targets[at].event)]);
    }
    const auto to_device = [&](const std::vector<int64_t>& values) {
      return torch::tensor(values, at::kLong).to(device);
    };
    optimizer.zero_grad();
    const at::Tensor loss = mixed_negative_loss(
        model, histories, to_device(items),
        to_device(uniform.draw(negative_random, options.negative_count)), unigram);
    loss.backward();
    optimizer.step();
    return loss.item<double>() * static_cast<double>(last - first);
  };
  const auto run_epoch = [&](int64_t epoch) {
    Random(seed, static_cast<uint64_t>(epoch)).shuffle(targets);
    double loss = 0.0;
    for (size_t first = 0; first < targets.size(); first += batch) {
      throw_if_interrupted();
      loss += step(first, std::min(first + batch, targets.size()));
    }
    return loss / static_cast<double>(targets.size());
  };
  const auto validation = [&] {
    torch::NoGradGuard no_gradients;
    const at::Tensor items = model->all_items().t();
    return ndcg_at(held_out_ranking(
                       data, HeldOutEvent::kValidation, order.size(),
                       [&](const auto& histories) { return model->user(histories).matmul(items); })
                       .rank,
                   10);
  };
  const TrainingResult result = train_until_best(options, *model, run_epoch, validation, report);
  model->to(at::kCPU);
  return {model, result};
}

}  // namespace serendip
