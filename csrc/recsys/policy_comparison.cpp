#include "recsys/policy_comparison.h"

#include <memory>

#include "recsys/evaluate.h"
#include "recsys/list_metrics.h"
#include "recsys/policy_folder.h"
#include "recsys/policy_value.h"
#include "recsys/ranking.h"
#include "recsys/simple_policies.h"

namespace serendip {
namespace {

constexpr HeldOutEvent kTest = HeldOutEvent::kTest;

// Of the evaluated users, whether the held-out event's cluster is new to them.
std::vector<bool> novel_targets(const RecommendInputs& inputs) {
  const std::vector<bool> novel = novel_events(inputs.events.events, inputs.order);
  std::vector<bool> result;
  for (const int64_t user : inputs.events.evaluated_users(kTest))
    result.push_back(novel[static_cast<size_t>(inputs.events.test[static_cast<size_t>(user)])]);
  return result;
}

std::vector<int64_t> chosen(const std::vector<int64_t>& rank, const std::vector<bool>& wanted) {
  std::vector<int64_t> result;
  for (size_t at = 0; at < rank.size(); ++at)
    if (wanted[at]) result.push_back(rank[at]);
  return result;
}

struct LoadedPolicy {
  std::string name;
  std::unique_ptr<Policy> policy;
  ClustersFor clusters;
};

// With popularity and chance, which need no folder.
std::vector<LoadedPolicy> load_all(const std::vector<ComparedPolicy>& policies,
                                   const RecommendInputs& inputs, const RecommendOptions& options) {
  std::vector<LoadedPolicy> loaded;
  for (const auto& [name, folder, clusters] : policies)
    loaded.push_back({name, load_policy(folder, inputs.tree, inputs.data), clusters});
  loaded.push_back(
      {"popularity", std::make_unique<PopularityPolicy>(inputs.tree, counts_by_item(inputs)), {}});
  loaded.push_back(
      {"chance",
       std::make_unique<RandomPolicy>(inputs.tree, static_cast<uint64_t>(options.seed)),
       {}});
  return loaded;
}

nlohmann::json estimates_json(const OffPolicyEstimates& estimates) {
  const auto with_interval = [](const ValueEstimate& estimate) {
    return nlohmann::json{
        {"value", estimate.value}, {"low", estimate.low}, {"high", estimate.high}};
  };
  return {{"importance", with_interval(estimates.importance)},
          {"self_normalised", with_interval(estimates.self_normalised)},
          {"doubly_robust", with_interval(estimates.doubly_robust)},
          {"effective_sample_size", estimates.effective_sample_size},
          {"clipped_share", estimates.clipped_share},
          {"largest_weight", estimates.largest_weight}};
}

}  // namespace

nlohmann::json compare_policies(const RecommendOptions& options,
                                const std::filesystem::path& data_h5,
                                const std::filesystem::path& tree_h5,
                                const std::vector<ComparedPolicy>& policies) {
  const RecommendInputs inputs = load_recommend_inputs(options, data_h5, tree_h5);
  const std::vector<bool> novel = novel_targets(inputs);
  std::vector<int64_t> first, first_novel;
  nlohmann::json rows = nlohmann::json::array();
  for (const LoadedPolicy& compared : load_all(policies, inputs, options)) {
    const HeldOutRanking ranking =
        policy_ranking(*compared.policy, inputs.events, kTest, inputs.order, compared.clusters);
    const std::vector<int64_t> novel_ranks = chosen(ranking.rank, novel);
    if (rows.empty()) {
      first = ranking.rank;
      first_novel = novel_ranks;
    }
    nlohmann::json row = held_out_metrics(ranking, inputs.events, kTest, inputs.order);
    row["name"] = compared.name;
    row["ranking"] = compared.policy->ranks_catalogue() && !compared.clusters;
    row["ndcg_at_10_minus_first"] = ndcg_difference(ranking.rank, first);
    row["novel"] = ranking_metrics(novel_ranks);
    if (!novel_ranks.empty())
      row["novel"]["ndcg_at_10_minus_first"] = ndcg_difference(novel_ranks, first_novel);
    rows.push_back(std::move(row));
  }
  return rows;
}

nlohmann::json value_policies(const RecommendOptions& options, const std::filesystem::path& data_h5,
                              const std::filesystem::path& tree_h5,
                              const std::filesystem::path& behaviour,
                              const std::vector<ComparedPolicy>& policies, double weight_cap) {
  const RecommendInputs inputs = load_recommend_inputs(options, data_h5, tree_h5);
  const LoggedPart logged(Recommender::load(behaviour, inputs.tree), inputs);
  nlohmann::json result = {{"events", logged.events()},
                           {"users", logged.users()},
                           {"logged", logged.mean_reward()},
                           {"policies", nlohmann::json::array()}};
  for (const LoadedPolicy& valued : load_all(policies, inputs, options)) {
    nlohmann::json entry =
        estimates_json(estimate_off_policy(logged.under(*valued.policy), weight_cap));
    entry["name"] = valued.name;
    result["policies"].push_back(std::move(entry));
  }
  return result;
}

}  // namespace serendip
