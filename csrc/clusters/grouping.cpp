#include "clusters/grouping.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/interrupt.h"
#include "clusters/bisection.h"

namespace serendip {
namespace {

constexpr int kPasses = 8;

int64_t edge_weight(const Graph& graph, int32_t a, int32_t b) {
  const auto begin = graph.neighbor.begin() + graph.offset[static_cast<size_t>(a)];
  const auto end = graph.neighbor.begin() + graph.offset[static_cast<size_t>(a) + 1];
  const auto found = std::lower_bound(begin, end, b);
  if (found == end || *found != b) return 0;
  return graph.weight[static_cast<size_t>(found - graph.neighbor.begin())];
}

// Exchanges two vertices of different groups, or moves one from a larger group to a smaller, which
// keeps the counts' multiset.
class GroupSearch {
 public:
  GroupSearch(const Graph& graph, const std::vector<double>& traffic, const TrafficBound& bound,
              int64_t groups, std::vector<int32_t>& group)
      : graph_(graph),
        traffic_(traffic),
        bound_(bound),
        groups_(static_cast<size_t>(groups)),
        group_(group),
        weight_(sum_by_cluster(traffic, group, groups)),
        members_(groups_),
        link_(group.size() * groups_, 0) {
    for (size_t v = 0; v < group.size(); ++v) {
      members_[static_cast<size_t>(group[v])].push_back(static_cast<int32_t>(v));
      for (auto e = static_cast<size_t>(graph.offset[v]);
           e < static_cast<size_t>(graph.offset[v + 1]); ++e) {
        link_[v * groups_ + static_cast<size_t>(group[static_cast<size_t>(graph.neighbor[e])])] +=
            graph.weight[e];
      }
    }
  }

  // One sweep; true when anything changed.
  bool sweep() {
    bool changed = false;
    for (int32_t vertex = 0; vertex < static_cast<int32_t>(group_.size()); ++vertex) {
      const Step step = best_step(vertex);
      if (step.to < 0) continue;
      const int32_t from = group_[static_cast<size_t>(vertex)];
      move(vertex, step.to);
      if (step.partner >= 0) move(step.partner, from);
      changed = true;
    }
    return changed;
  }

 private:
  struct Step {
    double violation = 0;
    int64_t cut = 0;
    int32_t to = -1, partner = -1;
  };

  double violation(double weight) const {
    return std::max(0.0, weight - bound_.upper) + std::max(0.0, bound_.lower - weight);
  }
  int64_t link(int32_t vertex, size_t group) const {
    return link_[static_cast<size_t>(vertex) * groups_ + group];
  }

  // Rounding of the sums is no improvement.
  bool better(const Step& a, const Step& b) const {
    const double difference = a.violation - b.violation;
    if (std::abs(difference) > 1e-9 * bound_.average) return difference < 0;
    return a.cut < b.cut;
  }

  Step best_step(int32_t vertex) const {
    const auto from = static_cast<size_t>(group_[static_cast<size_t>(vertex)]);
    Step best;
    for (size_t to = 0; to < groups_; ++to) {
      if (to == from) continue;
      const bool off = violation(weight_[from]) + violation(weight_[to]) > 0;
      if (link(vertex, to) == 0 && !off) continue;
      if (members_[from].size() > members_[to].size()) consider(vertex, -1, from, to, best);
      for (const int32_t partner : members_[to]) consider(vertex, partner, from, to, best);
    }
    return best;
  }

  void consider(int32_t vertex, int32_t partner, size_t from, size_t to, Step& best) const {
    Step step;
    step.to = static_cast<int32_t>(to);
    step.partner = partner;
    double shift = traffic_[static_cast<size_t>(vertex)];
    step.cut = link(vertex, from) - link(vertex, to);
    if (partner >= 0) {
      shift -= traffic_[static_cast<size_t>(partner)];
      step.cut +=
          link(partner, to) - link(partner, from) + 2 * edge_weight(graph_, vertex, partner);
    }
    step.violation = violation(weight_[from] - shift) + violation(weight_[to] + shift) -
                     violation(weight_[from]) - violation(weight_[to]);
    if (better(step, best)) best = step;
  }

  void move(int32_t vertex, int32_t to) {
    const auto v = static_cast<size_t>(vertex);
    const auto from = static_cast<size_t>(group_[v]);
    std::erase(members_[from], vertex);
    members_[static_cast<size_t>(to)].push_back(vertex);
    weight_[from] -= traffic_[v];
    weight_[static_cast<size_t>(to)] += traffic_[v];
    for (auto e = static_cast<size_t>(graph_.offset[v]);
         e < static_cast<size_t>(graph_.offset[v + 1]); ++e) {
      int64_t* row = link_.data() + static_cast<size_t>(graph_.neighbor[e]) * groups_;
      row[from] -= graph_.weight[e];
      row[to] += graph_.weight[e];
    }
    group_[v] = to;
  }

  const Graph& graph_;
  const std::vector<double>& traffic_;
  const TrafficBound& bound_;
  const size_t groups_;
  std::vector<int32_t>& group_;
  std::vector<double> weight_;                 // [groups]
  std::vector<std::vector<int32_t>> members_;  // [groups]
  std::vector<int64_t> link_;                  // [V, groups] edge weight from vertex to group
};

}  // namespace

std::vector<int32_t> group_clusters(const Graph& graph, const std::vector<double>& traffic,
                                    int64_t groups, const TrafficBound& bound, uint64_t seed) {
  const int64_t vertices = graph.vertex_count();
  SERENDIP_CHECK(groups <= vertices, "{} clusters cannot make {} groups", vertices, groups);
  BisectionGoal goal;
  for (int64_t g = 0; g < groups; ++g) {
    goal.target.push_back(vertices / groups + (g < vertices % groups ? 1 : 0));
  }
  goal.seed = seed;
  const std::vector<int64_t> unit(static_cast<size_t>(vertices), 1);
  std::vector<int32_t> group = recursive_bisection(graph, unit, goal);
  GroupSearch search(graph, traffic, bound, groups, group);
  for (int pass = 0; pass < kPasses && search.sweep(); ++pass) throw_if_interrupted();
  return group;
}

}  // namespace serendip
