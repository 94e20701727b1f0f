// A trained recommender: the next items of a user, out of chosen interest clusters only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "clusters/tree.h"
#include "recsys/policy.h"

namespace serendip {

class SequenceModel;

// The sequence model as a policy. Calls also throw Error for an empty history, and for one without
// the times or rewards that the model was trained to read.
class Recommender final : public Policy {
 public:
  using Recommendation = serendip::Recommendation;

  // Throws Error naming the file when the folder is damaged or was trained with another tree.
  static Recommender load(const std::filesystem::path& folder, const ClusterTree& tree);
  // Of a model just trained, on the CPU, its items in the tree's order.
  static Recommender of(const SequenceModel& model, const ClusterTree& tree);
  ~Recommender() override;
  Recommender(Recommender&& other) noexcept;
  Recommender& operator=(Recommender&& other) noexcept;

  // Cost follows the items of the clusters, not the catalogue.
  std::vector<Recommendation> recommend(const PolicyRequest& request) const override;
  std::vector<float> scores(const PolicyRequest& request) const override;
  std::vector<std::vector<float>> batch_scores(
      const std::vector<History>& histories) const override;
  // The same for a history without times and rewards.
  std::vector<Recommendation> recommend(const std::vector<int32_t>& history,
                                        const std::vector<int32_t>& clusters, int64_t k,
                                        bool exclude_seen = true, int level = kPlanningLevel) const;

  // One user's share of a batch: items of each cluster by itself, seen ones left out.
  struct ClusterRequest {
    History history;
    std::vector<int32_t> clusters;  // of the planning level
    int64_t k = 10;
  };
  // [requests][clusters] the cluster's k best items, as `recommend` has them to rounding; to the
  // bit the same whatever else is in the batch, where products are reproducible
  // (base/reproducible.h).
  std::vector<std::vector<std::vector<Recommendation>>> recommend_each(
      const std::vector<ClusterRequest>& requests) const;

  // For estimates of the policy's value from logged events (recsys/off_policy.h).
  struct LogProbs {
    double policy;     // log pi of the item among the whole catalogue
    double behaviour;  // log beta of it
  };
  // Throws Error for a model without a behaviour head: one trained by another loss than reinforce.
  LogProbs log_probs(const History& history, int32_t item) const;

  // [d] the model's state after the history; [B][d] after each.
  std::vector<float> state(const History& history) const;
  std::vector<std::vector<float>> states(const std::vector<History>& histories) const;
  int64_t dimensions() const;  // d

 private:
  struct State;
  explicit Recommender(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace serendip
