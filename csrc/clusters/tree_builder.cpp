#include "clusters/tree_builder.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <queue>

#include "base/check.h"
#include "base/progress.h"
#include "base/random.h"
#include "clusters/grouping.h"
#include "clusters/partition.h"

namespace serendip {
namespace {

std::vector<std::vector<int32_t>> items_by_cluster(const TreeLevel& level) {
  std::vector<std::vector<int32_t>> items(level.parent.size());
  for (size_t i = 0; i < level.assignment.size(); ++i) {
    items[static_cast<size_t>(level.assignment[i])].push_back(static_cast<int32_t>(i));
  }
  return items;
}

// Children of one cluster: within the level's bound when they can be, else within what redeal() can
// always reach from its traffic and heaviest item.
std::vector<int32_t> split_cluster(const Graph& graph, const std::vector<double>& weight,
                                   PartitionGoal goal) {
  if (goal.parts == 1) return std::vector<int32_t>(weight.size(), 0);
  BalancedPartition children = balanced_partition(graph, weight, goal);
  if (children.bound_held) return children.part;
  const auto parts = static_cast<double>(goal.parts);
  const double average = std::accumulate(weight.begin(), weight.end(), 0.0) / parts;
  const double room = (1.001 - 1 / parts) * *std::max_element(weight.begin(), weight.end());
  goal.bound = {average, std::max(0.0, std::min(goal.bound.lower, average - room)),
                std::max(goal.bound.upper, average + room)};
  return balanced_partition(graph, weight, goal).part;
}

// Level 1 and 2 from the partition of level 2, which is renumbered: groups in order, then parts.
void number_upper_levels(const std::vector<int32_t>& part, const std::vector<int32_t>& group,
                         int64_t groups, ClusterTree& tree) {
  std::vector<int32_t> order(group.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return group[static_cast<size_t>(a)] < group[static_cast<size_t>(b)];
  });
  std::vector<int32_t> number(group.size());
  TreeLevel& upper = tree.levels[0];
  TreeLevel& planning = tree.levels[1];
  for (size_t place = 0; place < order.size(); ++place) {
    number[static_cast<size_t>(order[place])] = static_cast<int32_t>(place);
    planning.parent.push_back(group[static_cast<size_t>(order[place])]);
  }
  upper.parent.assign(static_cast<size_t>(groups), -1);
  for (const int32_t old : part) {
    planning.assignment.push_back(number[static_cast<size_t>(old)]);
    upper.assignment.push_back(group[static_cast<size_t>(old)]);
  }
}

std::vector<double> values_of(const std::vector<double>& values,
                              const std::vector<int32_t>& items) {
  std::vector<double> result;
  result.reserve(items.size());
  for (const int32_t item : items) result.push_back(values[static_cast<size_t>(item)]);
  return result;
}

// Splits every cluster of `above`, `clusters` parts in all, numbered one after another. Weights and
// bound are the new level's.
TreeLevel split_level(const Graph& graph, const TreeLevel& above, int64_t clusters,
                      const LevelBalance& balance, uint64_t seed) {
  TreeLevel level;
  level.assignment.resize(above.assignment.size());
  const std::vector<std::vector<int32_t>> items = items_by_cluster(above);
  std::vector<int64_t> count;
  for (const std::vector<int32_t>& mine : items) count.push_back(std::ssize(mine));
  const std::vector<int64_t> children = share_children(
      sum_by_cluster(balance.traffic.weight, above.assignment, above.cluster_count()), count,
      clusters);
  std::vector<int32_t> local(above.assignment.size(), -1);
  for (size_t parent = 0; parent < items.size(); ++parent) {
    const std::vector<int32_t> child = split_cluster(
        subgraph(graph, items[parent], local), values_of(balance.traffic.weight, items[parent]),
        {children[parent], balance.bound, mix_bits(seed ^ parent)});
    const auto first = static_cast<int32_t>(level.parent.size());
    for (size_t i = 0; i < child.size(); ++i)
      level.assignment[static_cast<size_t>(items[parent][i])] = first + child[i];
    level.parent.insert(level.parent.end(), static_cast<size_t>(children[parent]),
                        static_cast<int32_t>(parent));
  }
  return level;
}

}  // namespace

std::array<LevelBalance, kTreeLevels> balance_levels(const std::vector<double>& traffic,
                                                     const TreeShape& shape) {
  std::array<LevelBalance, kTreeLevels> balance;
  for (int level = kTreeLevels; level >= 1; --level) {
    LevelBalance& mine = balance[static_cast<size_t>(level - 1)];
    mine.traffic =
        cap_giants(traffic, shape.count(level), shape.giant_share, fmt::format("level {}", level));
    mine.bound = traffic_bound(mine.traffic.total, mine.traffic.largest, shape.count(level),
                               shape.epsilon, shape.epsilon_low);
  }
  return balance;
}

std::vector<int64_t> share_children(const std::vector<double>& traffic,
                                    const std::vector<int64_t>& items, int64_t total) {
  struct Claim {
    double priority;
    size_t cluster;
    bool operator<(const Claim& other) const {
      return priority != other.priority ? priority < other.priority : cluster > other.cluster;
    }
  };
  std::vector<int64_t> children(traffic.size(), 1);
  std::priority_queue<Claim> claims;
  const auto claim = [&](size_t cluster) {
    const auto n = static_cast<double>(children[cluster]);
    if (children[cluster] < items[cluster])
      claims.push({traffic[cluster] / std::sqrt(n * (n + 1)), cluster});
  };
  for (size_t cluster = 0; cluster < traffic.size(); ++cluster) claim(cluster);
  for (int64_t given = std::ssize(traffic); given < total; ++given) {
    SERENDIP_CHECK(!claims.empty(), "{} clusters cannot have {} children: {} items", traffic.size(),
                   total, given);
    const size_t cluster = claims.top().cluster;
    claims.pop();
    ++children[cluster];
    claim(cluster);
  }
  return children;
}

ClusterTree build_tree(const Graph& graph, const std::vector<double>& traffic,
                       const TreeShape& shape) {
  const int64_t items = static_cast<int64_t>(traffic.size());
  SERENDIP_CHECK(items >= shape.count(4),
                 "{} items cannot make {} clusters of level 4: one item for each is needed", items,
                 shape.count(4));
  const std::array<LevelBalance, kTreeLevels> balance = balance_levels(traffic, shape);
  Progress progress("clusters", kTreeLevels, "levels");

  ClusterTree tree;
  tree.item_traffic = traffic;
  const PartitionGoal plan{shape.count(2), balance[1].bound, mix_bits(shape.seed)};
  const BalancedPartition planning = balanced_partition(graph, balance[1].traffic.weight, plan);
  SERENDIP_CHECK(planning.bound_held,
                 "{} clusters cannot be held between {:.6g} and {:.6g} traffic (average {:.6g}, "
                 "heaviest item {:.6g}): the best found spans {:.6g} to {:.6g}",
                 plan.parts, plan.bound.lower, plan.bound.upper, plan.bound.average,
                 balance[1].traffic.largest, planning.least, planning.most);
  progress.advance(1);

  const std::vector<int32_t> group =
      group_clusters(contract(graph, planning.part, plan.parts),
                     sum_by_cluster(balance[0].traffic.weight, planning.part, plan.parts),
                     shape.count(1), balance[0].bound, mix_bits(shape.seed + 1));
  number_upper_levels(planning.part, group, shape.count(1), tree);
  progress.advance(1);

  for (int level = kPlanningLevel + 1; level <= kTreeLevels; ++level) {
    const auto index = static_cast<size_t>(level - 1);
    tree.levels[index] = split_level(graph, tree.levels[index - 1], shape.count(level),
                                     balance[index], mix_bits(shape.seed + index));
    progress.advance(1);
  }
  for (TreeLevel& level : tree.levels) {
    level.traffic = sum_by_cluster(traffic, level.assignment, level.cluster_count());
  }
  return tree;
}

}  // namespace serendip
