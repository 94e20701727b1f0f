// A bandit picks the cluster, the sequence model its items.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "recsys/cluster_bandit.h"
#include "recsys/recommender.h"

namespace serendip {

constexpr const char* kBanditModelType = "serendip_bandit";

// The context is the sequence model's state of the user, scaled to length 1. Where the request has
// clusters of its own, they are kept and the bandit has no say.
class BanditPolicy final : public Policy {
 public:
  // A bandit over the tree's levels down to the planning level. The tree must outlive the policy.
  BanditPolicy(const ClusterTree& tree, std::shared_ptr<const Recommender> recommender,
               const BanditOptions& options, uint64_t seed);

  // The bandit alone, without its sequence model.
  void save(const std::filesystem::path& folder) const;
  // Throws Error naming the file for a bandit of another tree or of another width.
  static BanditPolicy load(const std::filesystem::path& folder, const ClusterTree& tree,
                           std::shared_ptr<const Recommender> recommender);

  // One event of the log or of live traffic: `item` was shown after the history.
  void learn(const History& history, int32_t item, double reward);
  // The same for several, one after another, their states computed together.
  void learn(const std::vector<History>& histories, const std::vector<int32_t>& items,
             const std::vector<double>& rewards);

  // The planning cluster that the bandit picks; the same for a state of the bandit and a history.
  int32_t pick(const History& history) const;
  std::vector<Recommendation> recommend(const PolicyRequest& request) const override;
  // The sequence model's: the bandit ranks clusters, not the catalogue.
  std::vector<float> scores(const PolicyRequest& request) const override;
  bool ranks_catalogue() const override { return false; }

  const ClusterBandit& bandit() const { return bandit_; }

 private:
  const ClusterTree& tree_;
  std::shared_ptr<const Recommender> recommender_;
  BanditOptions options_;
  ClusterBandit bandit_;
  uint64_t seed_;
};

}  // namespace serendip
