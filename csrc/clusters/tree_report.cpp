#include "clusters/tree_report.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace serendip {
namespace {

double max_over_average(const std::vector<double>& sums) {
  const double total = std::accumulate(sums.begin(), sums.end(), 0.0);
  if (total <= 0) return 0;
  return *std::max_element(sums.begin(), sums.end()) * static_cast<double>(sums.size()) / total;
}

double normalized_entropy(const std::vector<double>& sums) {
  const double total = std::accumulate(sums.begin(), sums.end(), 0.0);
  if (sums.size() < 2 || total <= 0) return 1;
  double entropy = 0;
  for (const double sum : sums) {
    if (sum > 0) entropy -= sum / total * std::log(sum / total);
  }
  return entropy / std::log(static_cast<double>(sums.size()));
}

double mean_conductance(const Graph& graph, const std::vector<int32_t>& assignment,
                        int64_t clusters) {
  std::vector<double> volume(static_cast<size_t>(clusters), 0.0);
  std::vector<double> outward(static_cast<size_t>(clusters), 0.0);
  double total = 0;
  for (size_t v = 0; v < assignment.size(); ++v) {
    const auto own = static_cast<size_t>(assignment[v]);
    for (auto e = static_cast<size_t>(graph.offset[v]);
         e < static_cast<size_t>(graph.offset[v + 1]); ++e) {
      volume[own] += graph.weight[e];
      total += graph.weight[e];
      const int32_t other = assignment[static_cast<size_t>(graph.neighbor[e])];
      if (other != assignment[v]) outward[own] += graph.weight[e];
    }
  }
  double sum = 0;
  for (size_t c = 0; c < volume.size(); ++c) {
    const double smaller = std::min(volume[c], total - volume[c]);
    if (smaller > 0) sum += outward[c] / smaller;
  }
  return sum / static_cast<double>(clusters);
}

}  // namespace

std::array<LevelFigures, kTreeLevels> measure_tree(const ClusterTree& tree, const Graph& graph,
                                                   const TreeShape& shape,
                                                   const std::vector<double>& later) {
  const std::array<LevelBalance, kTreeLevels> balance = balance_levels(tree.item_traffic, shape);
  std::array<LevelFigures, kTreeLevels> figures;
  for (size_t index = 0; index < figures.size(); ++index) {
    const TreeLevel& level = tree.levels[index];
    const TrafficBound& bound = balance[index].bound;
    LevelFigures& mine = figures[index];
    mine.clusters = level.cluster_count();
    mine.giants = static_cast<int64_t>(balance[index].traffic.giants.size());
    const std::vector<double> sums =
        sum_by_cluster(balance[index].traffic.weight, level.assignment, mine.clusters);
    const auto [least, most] = std::minmax_element(sums.begin(), sums.end());
    mine.bound_met = bound.holds(*least) && bound.holds(*most);
    mine.max_over_avg = *most / bound.average;
    mine.min_over_avg = *least / bound.average;
    mine.bound_upper = bound.upper / bound.average;
    mine.bound_lower = bound.lower / bound.average;
    mine.max_over_avg_uncapped = max_over_average(level.traffic);
    mine.max_over_avg_later =
        max_over_average(sum_by_cluster(later, level.assignment, mine.clusters));
    const Cut cut = cut_of(graph, level.assignment);
    mine.cut =
        cut.total > 0 ? static_cast<double>(cut.between) / static_cast<double>(cut.total) : 0;
    mine.conductance = mean_conductance(graph, level.assignment, mine.clusters);
    mine.entropy = normalized_entropy(sums);
  }
  return figures;
}

nlohmann::json to_json(const std::array<LevelFigures, kTreeLevels>& figures) {
  nlohmann::json levels = nlohmann::json::array();
  for (size_t index = 0; index < figures.size(); ++index) {
    const LevelFigures& level = figures[index];
    levels.push_back({{"level", index + 1},
                      {"clusters", level.clusters},
                      {"giants", level.giants},
                      {"bound_met", level.bound_met},
                      {"max_over_avg", level.max_over_avg},
                      {"min_over_avg", level.min_over_avg},
                      {"bound_upper", level.bound_upper},
                      {"bound_lower", level.bound_lower},
                      {"max_over_avg_uncapped", level.max_over_avg_uncapped},
                      {"max_over_avg_later", level.max_over_avg_later},
                      {"cut", level.cut},
                      {"conductance", level.conductance},
                      {"entropy", level.entropy}});
  }
  return levels;
}

}  // namespace serendip
