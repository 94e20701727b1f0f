// What every way of choosing a user's next items offers.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "clusters/tree.h"
#include "recsys/history.h"

namespace serendip {

struct Recommendation {
  int32_t item;
  double log_prob;  // among all items that the clusters allow, seen ones included
};

struct PolicyRequest {
  History history;                     // item indices
  std::vector<int32_t> clusters = {};  // of tree level `level`; empty means the whole catalogue
  int64_t k = 10;
  bool exclude_seen = true;  // leave out the items of the history
  int level = kPlanningLevel;
};

// The planning clusters in which a policy is to search after a history of items; none: there is
// nothing to recommend.
using ClustersFor = std::function<std::vector<int32_t>(const History& history)>;

// Safe to use from several threads. Calls throw Error for an item, a cluster or a level out of
// range, k below 1, and what a policy's own comment says.
class Policy {
 public:
  virtual ~Policy() = default;

  // The k best items, fewer where the clusters hold fewer, by falling probability.
  virtual std::vector<Recommendation> recommend(const PolicyRequest& request) const = 0;
  // [N] a score an item, whatever the clusters and what was seen: the order of a full ranking.
  virtual std::vector<float> scores(const PolicyRequest& request) const = 0;
  // [B][N] the scores after each history. One after another, unless a policy knows better.
  virtual std::vector<std::vector<float>> batch_scores(const std::vector<History>& histories) const;

  // Whether recommend() without clusters gives what scores() ranks first. A policy that chooses
  // clusters of its own, or needs some, does not.
  virtual bool ranks_catalogue() const { return true; }
};

// Throws Error unless the request fits a catalogue of `item_count` items and a level of
// `cluster_count` clusters.
void check_request(const PolicyRequest& request, int64_t item_count, int64_t cluster_count);

// [N] whether the request's clusters hold the item. Checks the request.
std::vector<bool> allowed_items(const PolicyRequest& request, const ClusterTree& tree);

// The request's k best items under the softmax of `scores` [N], all finite, over its clusters'
// items; equal scores by item index.
std::vector<Recommendation> best_items(const std::vector<float>& scores,
                                       const PolicyRequest& request, const ClusterTree& tree);

}  // namespace serendip
