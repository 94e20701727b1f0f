// What all arms of a world begin with: the incumbent's days, the interests clustered from their
// log, and the transitions between these.
#pragma once

#include <cstdint>
#include <vector>

#include "clusters/cluster.h"
#include "recsys/item_order.h"
#include "simulator/arm_user.h"
#include "simulator/world.h"
#include "transitions/mine.h"

namespace serendip {

// T topics, N items, M planning clusters, U users.
struct Diversion {
  World world;
  MiningRule rule;
  Dataset data;      // the incumbent's log, as `import` and `embed` would give it
  ClusterTree tree;  // of its items' vectors, not of the topics
  ItemOrder order;
  TransitionSet transitions;        // of its training users
  std::vector<ArmUser> users;       // [U] after the incumbent's days
  std::vector<int32_t> main_topic;  // [M] the topic of most of the cluster's items
  std::vector<int32_t> home;        // [T] the cluster of most of the topic's items

  const std::vector<int32_t>& cluster() const { return tree.planning().assignment; }  // [N]
  int32_t cluster_count() const { return static_cast<int32_t>(tree.planning().cluster_count()); }
};

// Throws Error where make_world and cluster_dataset do, and for a world without item vectors.
Diversion divert(const WorldOptions& world, const ClusterOptions& cluster, const MiningRule& rule);

}  // namespace serendip
