// A bandit picks the cluster, the sequence model its items.
#pragma once

#include <cstdint>

#include "recsys/cluster_bandit.h"
#include "recsys/recommender.h"

namespace serendip {

// The context is the sequence model's state of the user, scaled to length 1. Where the request has
// clusters of its own, they are kept and the bandit has no say.
class BanditPolicy final : public Policy {
 public:
  // A bandit over the tree's levels down to the planning level. The tree and the recommender must
  // outlive the policy.
  BanditPolicy(const ClusterTree& tree, const Recommender& recommender,
               const BanditOptions& options, uint64_t seed);

  // One event of the log or of live traffic: `item` was shown after the history.
  void learn(const History& history, int32_t item, double reward);

  // The planning cluster that the bandit picks; the same for a state of the bandit and a history.
  int32_t pick(const History& history) const;
  std::vector<Recommendation> recommend(const PolicyRequest& request) const override;
  // The sequence model's: the bandit ranks clusters, not the catalogue.
  std::vector<float> scores(const PolicyRequest& request) const override;

  const ClusterBandit& bandit() const { return bandit_; }

 private:
  std::vector<double> context_of(const History& history) const;

  const ClusterTree& tree_;
  const Recommender& recommender_;
  ClusterBandit bandit_;
  uint64_t seed_;
};

}  // namespace serendip
