// Hierarchical contextual bandits that pick clusters (Song et al. 2022: HCB and pHCB).
//
// A LinUCB arm at every cluster of the levels 1 … D, shared by all users; the context is the
// user's vector. (The authors' code keeps the parameters with the user and features with the
// clusters: with thousands of users of few events each, nothing would be shared.)
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "recsys/linear_arm.h"

namespace serendip {

struct BanditOptions {
  double exploration = 0.5;  // alpha
  double ridge = 1.0;
  // false: greedy descent from the root. true: the best of a frontier of visible clusters, which
  // begins as level 1; one chosen at level l gives way to its children once it has at least
  // expand_visits log(l + 1) events of mean reward at least expand_reward log(l + 1).
  bool progressive = false;
  double expand_visits = 10.0;
  double expand_reward = 0.1;
};

class ClusterBandit {
 public:
  // parents[l - 1][c] is the cluster of level l - 1 above cluster c of level l; level 1's are not
  // read. Every cluster above the last level has children. Throws Error otherwise.
  ClusterBandit(const std::vector<std::vector<int32_t>>& parents, int64_t dimensions,
                const BanditOptions& options);

  // The cluster of the last level to show to the user of this context [d]: the end of the descent,
  // or one drawn evenly below the frontier's best. Equal bounds: the lower cluster.
  int32_t select(std::span<const double> context, Random& random) const;
  // What showing `cluster`, of the last level, brought. All arms above it learn, too.
  void update(std::span<const double> context, int32_t cluster, double reward);

  struct Node {
    int level;  // from 1
    int32_t cluster;
    int64_t parent;                 // -1 at level 1
    std::vector<int64_t> children;  // empty at the last level
    int64_t visits = 0;
    double reward_sum = 0.0;
    LinearArm arm;
  };
  const std::vector<Node>& nodes() const { return nodes_; }           // level by level
  const std::vector<int64_t>& frontier() const { return frontier_; }  // of the progressive variant

  // What the bandit has learnt: each node's arm, visits and rewards, and the frontier. Throws Error
  // for another number of nodes and a frontier that names others.
  struct Learnt {
    std::vector<LinearArm> arm;
    std::vector<int64_t> visits;
    std::vector<double> reward_sum;
    std::vector<int64_t> frontier;
  };
  void restore(Learnt learnt);

 private:
  int64_t best(const std::vector<int64_t>& nodes, std::span<const double> context) const;
  void expand_where_earned(int64_t node);

  BanditOptions options_;
  int64_t dimensions_;
  std::vector<Node> nodes_;
  std::vector<int64_t> roots_, frontier_;
  int64_t first_leaf_;  // the nodes from there on are the last level's clusters in order
};

}  // namespace serendip
