// What an arm chooses items with: models trained on its own log, and the policy under test.
#pragma once

#include <memory>
#include <vector>

#include "recsys/bandit_policy.h"
#include "recsys/recommender.h"
#include "recsys/simple_policies.h"
#include "recsys/train.h"
#include "simulator/arms.h"
#include "simulator/interests.h"

namespace serendip {

// Models see liked items alone. Items that the user has seen are never chosen.
class ArmModels {
 public:
  // `planner` where the arm's policy wants one. The diversion must outlive the models.
  ArmModels(const Diversion& diversion, const ArmSpec& arm, const RecommendOptions& options,
            InterestPlanner planner);

  // Trains on all that the users have liked so far. A sequence model that was trained on the same
  // may be given instead of another training of it.
  void train(const std::vector<ArmUser>& users, std::shared_ptr<const Recommender> sequence = {});
  // Null where the arm needs none.
  const std::shared_ptr<const Recommender>& sequence_model() const { return sequence_; }
  // Of it, for what `train` makes.
  static std::shared_ptr<const Recommender> train_sequence(const Diversion& diversion,
                                                           const RecommendOptions& options,
                                                           const std::vector<ArmUser>& users);
  RecommendOptions options() const { return options_; }

  // `count` items by the sequence model, the best first; fewer where the user has seen most.
  std::vector<int32_t> usual_items(const ArmUser& user, int64_t count) const;
  // The same by the policy under test; none where it has nothing to say.
  std::vector<int32_t> explored_items(const ArmUser& user, int64_t count, Random& random) const;
  // What the user made of an item that the policy chose when they had liked `history`.
  void learn(const History& history, int32_t item, bool liked);

 private:
  void train_bandit(const std::vector<ArmUser>& users);
  std::vector<int32_t> unseen(const Policy& policy, const ArmUser& user, int64_t count,
                              std::vector<int32_t> clusters) const;

  const Diversion& diversion_;
  ArmSpec arm_;
  RecommendOptions options_;
  InterestPlanner planner_;
  std::shared_ptr<const Recommender> sequence_;
  std::unique_ptr<const PopularityPolicy> popularity_;
  std::unique_ptr<const Policy> policy_;  // of the arm's own, where it is none of the others
  std::unique_ptr<BanditPolicy> bandit_;
};

}  // namespace serendip
