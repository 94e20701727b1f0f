#include "clusters/tree_builder.h"

#include <algorithm>
#include <numeric>

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

// Children of one cluster: within the level's bound when they can be, else within what its own
// traffic and heaviest item always allow.
std::vector<int32_t> split_cluster(const Graph& graph, const std::vector<double>& weight,
                                   PartitionGoal goal) {
  BalancedPartition children = balanced_partition(graph, weight, goal);
  if (children.bound_held) return children.part;
  const double average =
      std::accumulate(weight.begin(), weight.end(), 0.0) / static_cast<double>(goal.parts);
  const double heaviest = *std::max_element(weight.begin(), weight.end());
  goal.bound = {average, std::max(0.0, std::min(goal.bound.lower, average - heaviest)),
                std::max(goal.bound.upper, average + heaviest)};
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

// Splits every cluster of `above` into goal.parts children, numbered one after another. weight and
// goal.split_weight are those of all items.
TreeLevel split_level(const Graph& graph, const TreeLevel& above, const std::vector<double>& weight,
                      const PartitionGoal& goal) {
  TreeLevel level;
  level.assignment.resize(above.assignment.size());
  std::vector<int32_t> local(above.assignment.size(), -1);
  int64_t parent = 0;
  for (const std::vector<int32_t>& items : items_by_cluster(above)) {
    PartitionGoal mine{goal.parts,
                       goal.bound,
                       goal.min_items,
                       {},
                       mix_bits(goal.seed ^ static_cast<uint64_t>(parent))};
    if (!goal.split_weight.empty()) mine.split_weight = values_of(goal.split_weight, items);
    const std::vector<int32_t> child =
        split_cluster(subgraph(graph, items, local), values_of(weight, items), mine);
    for (size_t i = 0; i < items.size(); ++i) {
      level.assignment[static_cast<size_t>(items[i])] =
          static_cast<int32_t>(parent * goal.parts + child[i]);
    }
    level.parent.insert(level.parent.end(), static_cast<size_t>(goal.parts),
                        static_cast<int32_t>(parent));
    ++parent;
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

ClusterTree build_tree(const Graph& graph, const std::vector<double>& traffic,
                       const TreeShape& shape) {
  const int64_t items = static_cast<int64_t>(traffic.size());
  SERENDIP_CHECK(items >= shape.count(4),
                 "{} items cannot make {} clusters of level 4: one item for each is needed", items,
                 shape.count(4));
  const std::array<LevelBalance, kTreeLevels> balance = balance_levels(traffic, shape);
  const int64_t fan_out_3 = shape.count(3) / shape.count(2);
  const int64_t fan_out_4 = shape.count(4) / shape.count(3);
  Progress progress("clusters", kTreeLevels, "levels");

  ClusterTree tree;
  tree.item_traffic = traffic;
  const std::vector<double>& leaf_weight = balance[3].traffic.weight;
  const PartitionGoal plan{shape.count(2), balance[1].bound, fan_out_3 * fan_out_4, leaf_weight,
                           mix_bits(shape.seed)};
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

  tree.levels[2] =
      split_level(graph, tree.levels[1], balance[2].traffic.weight,
                  {fan_out_3, balance[2].bound, fan_out_4, leaf_weight, mix_bits(shape.seed + 2)});
  progress.advance(1);
  tree.levels[3] = split_level(graph, tree.levels[2], leaf_weight,
                               {fan_out_4, balance[3].bound, 1, {}, mix_bits(shape.seed + 3)});
  progress.advance(1);
  for (TreeLevel& level : tree.levels) {
    level.traffic = sum_by_cluster(traffic, level.assignment, level.cluster_count());
  }
  return tree;
}

}  // namespace serendip
