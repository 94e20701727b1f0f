#include "recsys/train_two_tower.h"

#include "base/check.h"
#include "base/interrupt.h"
#include "base/random.h"
#include "distributed/device.h"
#include "recsys/evaluate.h"
#include "recsys/negative_sampler.h"
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

// [N] share of each item among the targets.
at::Tensor unigram_of(const std::vector<Target>& targets, const EventLog& events,
                      int64_t item_count) {
  std::vector<float> share(static_cast<size_t>(item_count));
  for (const Target& target : targets)
    share[static_cast<size_t>(events.item[static_cast<size_t>(target.event)])] +=
        1.0f / static_cast<float>(targets.size());
  return torch::tensor(share);
}

// The planning cluster of each position, as its place in the order.
TwoTowerConfig model_config(const RecommendOptions& options, const ItemOrder& order) {
  const std::vector<int64_t>& offset = order.level(kPlanningLevel).offset;
  TwoTowerConfig config{
      {}, static_cast<int64_t>(offset.size()) - 1, options.dimensions, options.max_length};
  for (size_t place = 0; place + 1 < offset.size(); ++place)
    config.item_cluster.resize(static_cast<size_t>(offset[place + 1]), static_cast<int64_t>(place));
  return config;
}

}  // namespace

at::Tensor two_tower_scores(TwoTowerModel& model, const std::vector<History>& histories) {
  const at::Tensor everything =
      at::arange(model->item_embedding.size(0),
                 at::TensorOptions(at::kLong).device(model->item_embedding.device()));
  return model->user(histories).matmul(model->item(everything).t());
}

TrainedTwoTower train_two_tower(const RecommendOptions& options, const ItemOrder& order,
                                const HeldOut& data,
                                const std::function<void(const EpochReport&)>& report) {
  const auto seed = static_cast<uint64_t>(options.seed);
  TwoTowerModel model(model_config(options, order), seed);
  const at::Device device = open_device(options.device, "recommend.device");
  model->to(device);
  const auto optimizer = make_optimizer(options, *model);
  std::vector<Target> targets = training_targets(data);
  const at::Tensor unigram = unigram_of(targets, data.events, order.size()).to(device);
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
    optimizer->zero_grad();
    const at::Tensor loss = mixed_negative_loss(
        model, histories, to_device(items),
        to_device(uniform.draw(negative_random, options.negative_count)), unigram);
    loss.backward();
    optimizer->step();
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
    return ndcg_at(
        held_out_ranks(data, HeldOutEvent::kValidation, order.size(),
                       [&](const auto& histories) { return two_tower_scores(model, histories); }),
        10);
  };
  const TrainingResult result = train_until_best(options, *model, run_epoch, validation, report);
  model->to(at::kCPU);
  return {model, result};
}

}  // namespace serendip
