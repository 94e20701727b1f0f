#include "recsys/cluster_bandit.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace serendip {

ClusterBandit::ClusterBandit(const std::vector<std::vector<int32_t>>& parents, int64_t dimensions,
                             const BanditOptions& options)
    : options_(options), dimensions_(dimensions) {
  SERENDIP_CHECK(!parents.empty() && !parents.front().empty(),
                 "cluster bandit: expected at least one level of clusters, got none");
  int64_t first = 0, first_above = 0;
  for (size_t level = 0; level < parents.size(); ++level) {
    for (size_t cluster = 0; cluster < parents[level].size(); ++cluster) {
      const auto node = static_cast<int64_t>(nodes_.size());
      const int64_t parent = level == 0 ? -1 : first_above + parents[level][cluster];
      SERENDIP_CHECK(level == 0 || (parents[level][cluster] >= 0 && parent < first),
                     "cluster bandit: level {}, cluster {}: expected a parent from 0 to {}, got {}",
                     level + 1, cluster, first - first_above - 1, parents[level][cluster]);
      nodes_.push_back({static_cast<int>(level + 1),
                        static_cast<int32_t>(cluster),
                        parent,
                        {},
                        0,
                        0.0,
                        LinearArm(dimensions, options.ridge)});
      (level == 0 ? roots_ : nodes_[static_cast<size_t>(parent)].children).push_back(node);
    }
    first_above = first;
    first = static_cast<int64_t>(nodes_.size());
  }
  first_leaf_ = first_above;
  frontier_ = roots_;
  for (int64_t node = 0; node < first_leaf_; ++node)
    SERENDIP_CHECK(!nodes_[static_cast<size_t>(node)].children.empty(),
                   "cluster bandit: level {}, cluster {}: expected clusters below it, got none",
                   nodes_[static_cast<size_t>(node)].level,
                   nodes_[static_cast<size_t>(node)].cluster);
}

int64_t ClusterBandit::best(const std::vector<int64_t>& nodes,
                            std::span<const double> context) const {
  int64_t winner = -1;
  double highest = -INFINITY;
  for (const int64_t node : nodes) {
    const double bound =
        nodes_[static_cast<size_t>(node)].arm.upper_bound(context, options_.exploration);
    if (winner >= 0 && bound <= highest) continue;
    winner = node;
    highest = bound;
  }
  return winner;
}

int32_t ClusterBandit::select(std::span<const double> context, Random& random) const {
  SERENDIP_CHECK(static_cast<int64_t>(context.size()) == dimensions_,
                 "cluster bandit: expected a context of {} numbers, got {}", dimensions_,
                 context.size());
  int64_t node = best(options_.progressive ? frontier_ : roots_, context);
  std::vector<int64_t> below{node};  // of one level
  while (!nodes_[static_cast<size_t>(below.front())].children.empty()) {
    if (!options_.progressive) {
      below = {best(nodes_[static_cast<size_t>(below.front())].children, context)};
      continue;
    }
    std::vector<int64_t> next;
    for (const int64_t parent : below) {
      const std::vector<int64_t>& children = nodes_[static_cast<size_t>(parent)].children;
      next.insert(next.end(), children.begin(), children.end());
    }
    below = std::move(next);
  }
  node = below.size() == 1 ? below.front() : below[random.below(below.size())];
  return nodes_[static_cast<size_t>(node)].cluster;
}

void ClusterBandit::update(std::span<const double> context, int32_t cluster, double reward) {
  const int64_t leaves = static_cast<int64_t>(nodes_.size()) - first_leaf_;
  SERENDIP_CHECK(cluster >= 0 && cluster < leaves,
                 "cluster bandit: expected a cluster from 0 to {}, got {}", leaves - 1, cluster);
  SERENDIP_CHECK(static_cast<int64_t>(context.size()) == dimensions_,
                 "cluster bandit: expected a context of {} numbers, got {}", dimensions_,
                 context.size());
  SERENDIP_CHECK(std::isfinite(reward), "cluster bandit: expected a finite reward, got {}", reward);
  int64_t visible = -1;
  for (int64_t at = first_leaf_ + cluster; at >= 0; at = nodes_[static_cast<size_t>(at)].parent) {
    Node& node = nodes_[static_cast<size_t>(at)];
    node.arm.update(context, reward);
    ++node.visits;
    node.reward_sum += reward;
    if (std::find(frontier_.begin(), frontier_.end(), at) != frontier_.end()) visible = at;
  }
  if (options_.progressive && visible >= 0) expand_where_earned(visible);
}

void ClusterBandit::restore(Learnt learnt) {
  SERENDIP_CHECK(learnt.arm.size() == nodes_.size() && learnt.visits.size() == nodes_.size() &&
                     learnt.reward_sum.size() == nodes_.size(),
                 "cluster bandit: expected the arms of {} clusters, got {}", nodes_.size(),
                 learnt.arm.size());
  SERENDIP_CHECK(!learnt.frontier.empty(), "cluster bandit: expected a frontier, got none");
  for (const int64_t node : learnt.frontier)
    SERENDIP_CHECK(node >= 0 && node < static_cast<int64_t>(nodes_.size()),
                   "cluster bandit: frontier: expected clusters from 0 to {}, got {}",
                   nodes_.size() - 1, node);
  for (size_t node = 0; node < nodes_.size(); ++node) {
    nodes_[node].arm = std::move(learnt.arm[node]);
    nodes_[node].visits = learnt.visits[node];
    nodes_[node].reward_sum = learnt.reward_sum[node];
  }
  frontier_ = std::move(learnt.frontier);
}

void ClusterBandit::expand_where_earned(int64_t at) {
  const Node& node = nodes_[static_cast<size_t>(at)];
  const double depth = std::log(static_cast<double>(node.level) + 1.0);
  const auto visits = static_cast<double>(node.visits);
  if (node.children.empty() || visits < options_.expand_visits * depth ||
      node.reward_sum < options_.expand_reward * depth * visits)
    return;
  std::erase(frontier_, at);
  frontier_.insert(frontier_.end(), node.children.begin(), node.children.end());
}

}  // namespace serendip
