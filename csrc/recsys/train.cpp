#include "recsys/train.h"

#include "base/check.h"
#include "base/metrics.h"
#include "recsys/evaluate.h"
#include "recsys/list_metrics.h"
#include "recsys/ranking.h"
#include "recsys/recommender_io.h"
#include "recsys/train_model.h"

namespace serendip {
namespace {

struct Inputs {
  ItemOrder order;
  HeldOut data;
};

Inputs load_inputs(const std::string& split, const std::filesystem::path& data_h5,
                   const std::filesystem::path& tree_h5) {
  Inputs inputs;
  inputs.order = make_item_order(load_tree(tree_h5));
  EventLog events = make_event_log(load_dataset(data_h5), inputs.order);
  const bool by_time = split == "time";
  inputs.data = by_time ? split_by_time(std::move(events)) : leave_one_out(std::move(events));
  for (const HeldOutEvent event : {HeldOutEvent::kValidation, HeldOutEvent::kTest})
    SERENDIP_CHECK(!inputs.data.evaluated_users(event).empty(),
                   "{}: expected users with {}, got none", data_h5.string(),
                   by_time ? "events on both sides of each cut in time" : "at least 3 events");
  return inputs;
}

// The difference of two rankings' NDCG@10 over the same users.
nlohmann::json compare(const HeldOutRanking& ranking, const HeldOutRanking& other) {
  const auto gains = [](const HeldOutRanking& of) {
    std::vector<double> result;
    for (const int64_t rank : of.rank) result.push_back(discounted_gain(rank, 10));
    return result;
  };
  const auto [mean, low, high] = paired_bootstrap(gains(ranking), gains(other), /*seed=*/1);
  return {{"mean", mean}, {"low", low}, {"high", high}};
}

nlohmann::json test_metrics(SequenceModel& model, const Inputs& inputs) {
  const HeldOutEvent test = HeldOutEvent::kTest;
  const HeldOutRanking ranking = model_ranking(model, inputs.data, test);
  const HeldOutRanking popularity = popularity_ranking(inputs.order.size(), inputs.data, test);
  return {{"test", held_out_metrics(ranking, inputs.data, test, inputs.order)},
          {"popularity", held_out_metrics(popularity, inputs.data, test, inputs.order)},
          {"ndcg_at_10_over_popularity", compare(ranking, popularity)}};
}

}  // namespace

nlohmann::json train_recommender(const RecommendOptions& options,
                                 const std::filesystem::path& data_h5,
                                 const std::filesystem::path& tree_h5,
                                 const std::filesystem::path& folder) {
  const Inputs inputs = load_inputs(options.split, data_h5, tree_h5);
  MetricsLog log(folder.parent_path(), 0);
  TrainedModel trained =
      train_sequence_model(options, inputs.order, inputs.data, [&](const EpochReport& epoch) {
        log.write("recommend", epoch.epoch,
                  {{"loss", epoch.loss},
                   {"validation_ndcg_at_10", epoch.validation_ndcg_at_10},
                   {"seconds", epoch.seconds}});
      });
  save_recommender(folder, trained.model, inputs.order);
  int64_t parameters = 0;
  for (const at::Tensor& parameter : trained.model->parameters()) parameters += parameter.numel();
  nlohmann::json result = test_metrics(trained.model, inputs);
  result["epochs"] = trained.result.epochs;
  result["best_epoch"] = trained.result.best_epoch;
  result["validation_ndcg_at_10"] = trained.result.validation_ndcg_at_10;
  result["parameters"] = parameters;
  return result;
}

nlohmann::json evaluate_recommender(const RecommendOptions& options,
                                    const std::filesystem::path& data_h5,
                                    const std::filesystem::path& tree_h5,
                                    const std::filesystem::path& folder) {
  const Inputs inputs = load_inputs(options.split, data_h5, tree_h5);
  SequenceModel model = load_recommender(folder, inputs.order);
  nlohmann::json result = test_metrics(model, inputs);
  result["validation_ndcg_at_10"] =
      ndcg_at(model_ranking(model, inputs.data, HeldOutEvent::kValidation).rank, 10);
  return result;
}

}  // namespace serendip
