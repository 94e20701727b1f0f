#include "recsys/train.h"

#include "base/metrics.h"
#include "recsys/evaluate.h"
#include "recsys/policy_folder.h"
#include "recsys/ranking.h"
#include "recsys/train_policy.h"

namespace serendip {
namespace {

nlohmann::json test_metrics(const HeldOutRanking& ranking, const RecommendInputs& inputs) {
  const HeldOutEvent test = HeldOutEvent::kTest;
  const HeldOutRanking popularity = popularity_ranking(inputs.order.size(), inputs.events, test);
  return {{"test", held_out_metrics(ranking, inputs.events, test, inputs.order)},
          {"popularity", held_out_metrics(popularity, inputs.events, test, inputs.order)},
          {"ndcg_at_10_over_popularity", ndcg_difference(ranking.rank, popularity.rank)}};
}

}  // namespace

nlohmann::json train_recommender(const RecommendOptions& options,
                                 const std::filesystem::path& data_h5,
                                 const std::filesystem::path& tree_h5,
                                 const std::filesystem::path& folder) {
  const RecommendInputs inputs = load_recommend_inputs(options, data_h5, tree_h5);
  MetricsLog log(folder.parent_path(), 0);
  nlohmann::json result = train_policy(options, inputs, folder, [&](const EpochReport& epoch) {
    log.write("recommend", epoch.epoch,
              {{"loss", epoch.loss},
               {"validation_ndcg_at_10", epoch.validation_ndcg_at_10},
               {"seconds", epoch.seconds}});
  });
  const auto policy = load_policy(folder, inputs.tree, inputs.data);
  if (policy->ranks_catalogue())
    result.update(test_metrics(
        policy_ranking(*policy, inputs.events, HeldOutEvent::kTest, inputs.order), inputs));
  return result;
}

nlohmann::json evaluate_recommender(const RecommendOptions& options,
                                    const std::filesystem::path& data_h5,
                                    const std::filesystem::path& tree_h5,
                                    const std::filesystem::path& folder,
                                    const ClustersFor& clusters) {
  const RecommendInputs inputs = load_recommend_inputs(options, data_h5, tree_h5);
  const auto policy = load_policy(folder, inputs.tree, inputs.data);
  const auto ranking = [&](HeldOutEvent event) {
    return policy_ranking(*policy, inputs.events, event, inputs.order, clusters);
  };
  nlohmann::json result = test_metrics(ranking(HeldOutEvent::kTest), inputs);
  result["validation_ndcg_at_10"] = ndcg_at(ranking(HeldOutEvent::kValidation).rank, 10);
  return result;
}

}  // namespace serendip
