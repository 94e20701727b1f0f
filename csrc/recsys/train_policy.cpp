#include "recsys/train_policy.h"

#include <algorithm>

#include "base/interrupt.h"
#include "base/progress.h"
#include "recsys/bandit_policy.h"
#include "recsys/evaluate.h"
#include "recsys/model_folder.h"
#include "recsys/policy_folder.h"
#include "recsys/recommender_io.h"
#include "recsys/train_model.h"
#include "recsys/train_two_tower.h"
#include "recsys/two_tower_policy.h"

namespace serendip {
namespace fs = std::filesystem;
namespace {

constexpr size_t kReplayBatch = 256;  // events whose states are computed together

nlohmann::json training_facts(const TrainingResult& result, const torch::nn::Module& module) {
  int64_t parameters = 0;
  for (const at::Tensor& parameter : module.parameters()) parameters += parameter.numel();
  return {{"epochs", result.epochs},
          {"best_epoch", result.best_epoch},
          {"validation_ndcg_at_10", result.validation_ndcg_at_10},
          {"parameters", parameters}};
}

struct TrainingEvent {
  int64_t time, user, event;
};

// The training events with a history, by (time, user, place in the user's log).
std::vector<TrainingEvent> events_in_time(const HeldOut& data) {
  std::vector<TrainingEvent> events;
  for (int64_t user = 0; user < data.events.user_count(); ++user) {
    const auto at = static_cast<size_t>(user);
    for (int64_t event = data.events.offset[at] + 1; event < data.training_end[at]; ++event)
      events.push_back({data.events.time[static_cast<size_t>(event)], user, event});
  }
  std::sort(events.begin(), events.end(), [](const TrainingEvent& a, const TrainingEvent& b) {
    return std::tie(a.time, a.event) < std::tie(b.time, b.event);
  });
  return events;
}

void replay(BanditPolicy& policy, const RecommendInputs& inputs, int64_t max_length) {
  const EventLog& log = inputs.events.events;
  const std::vector<TrainingEvent> events = events_in_time(inputs.events);
  Progress progress("recommend train: bandit", static_cast<int64_t>(events.size()), "events");
  for (size_t first = 0; first < events.size(); first += kReplayBatch) {
    throw_if_interrupted();
    std::vector<History> histories;
    std::vector<int32_t> items;
    std::vector<double> rewards;
    for (size_t at = first; at < std::min(first + kReplayBatch, events.size()); ++at) {
      const auto event = static_cast<size_t>(events[at].event);
      histories.push_back(
          in_items(inputs.order, log.before(events[at].user, events[at].event, max_length)));
      items.push_back(inputs.order.item[static_cast<size_t>(log.item[event])]);
      rewards.push_back(log.reward[event]);
    }
    policy.learn(histories, items, rewards);
    progress.advance(static_cast<int64_t>(items.size()), "");
  }
}

nlohmann::json train_bandit(const RecommendOptions& options, const RecommendInputs& inputs,
                            const fs::path& folder,
                            const std::function<void(const EpochReport&)>& report) {
  TrainedModel trained = train_sequence_model(options, inputs.order, inputs.events, report);
  save_recommender(folder / kSequenceFolder, trained.model, inputs.order);
  BanditPolicy policy(
      inputs.tree,
      std::make_shared<const Recommender>(Recommender::load(folder / kSequenceFolder, inputs.tree)),
      {options.exploration, options.ridge, options.progressive, options.expand_visits,
       options.expand_reward},
      static_cast<uint64_t>(options.seed));
  replay(policy, inputs, options.max_length);
  policy.save(folder);
  nlohmann::json facts = training_facts(trained.result, *trained.model);
  int64_t events = 0;
  for (const ClusterBandit::Node& node : policy.bandit().nodes())
    if (node.level == 1) events += node.visits;
  facts["events_replayed"] = events;
  return facts;
}

}  // namespace

nlohmann::json train_policy(const RecommendOptions& options, const RecommendInputs& inputs,
                            const fs::path& folder,
                            const std::function<void(const EpochReport&)>& report) {
  const ItemOrder& order = inputs.order;
  const auto save = [&](const char* model_type, const nlohmann::json& settings,
                        const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
    save_model_folder(folder, model_type, settings, tensors, order);
    return nlohmann::json::object();
  };
  if (options.policy == "bandit") return train_bandit(options, inputs, folder, report);
  if (options.policy == "two_tower") {
    TrainedTwoTower trained = train_two_tower(options, order, inputs.events, report);
    save_two_tower(folder, trained.model, order);
    return training_facts(trained.result, *trained.model);
  }
  if (options.policy == "popularity")
    return save(kPopularityModelType, nlohmann::json::object(),
                {{"count", at::tensor(counts_by_item(inputs), at::kLong)}});
  if (options.policy == "random") return save(kRandomModelType, {{"seed", options.seed}}, {});
  if (options.policy == "keyword") return save(kKeywordModelType, nlohmann::json::object(), {});
  TrainedModel trained = train_sequence_model(options, order, inputs.events, report);
  save_recommender(folder, trained.model, order);
  return training_facts(trained.result, *trained.model);
}

}  // namespace serendip
