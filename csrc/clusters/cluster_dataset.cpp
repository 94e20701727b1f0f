#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "clusters/cluster.h"
#include "clusters/item_traffic.h"
#include "clusters/keywords.h"
#include "clusters/knn_graph.h"
#include "clusters/previous_tree.h"
#include "clusters/tree_builder.h"
#include "clusters/tree_report.h"

namespace serendip {
namespace {

constexpr size_t kListedGiants = 100;

TreeShape shape_of(const ClusterOptions& options) {
  SERENDIP_CHECK(options.clusters_level_1 < options.clusters,
                 "cluster.clusters_level_1 is {}, expected less than cluster.clusters ({})",
                 options.clusters_level_1, options.clusters);
  SERENDIP_CHECK(options.giant_share <= options.epsilon_low,
                 "cluster.giant_share is {}, expected at most cluster.epsilon_low ({}): one item "
                 "of that weight can keep a cluster from its lower bound",
                 options.giant_share, options.epsilon_low);
  TreeShape shape;
  const int64_t level_3 = options.clusters * options.fan_out_level_3;
  shape.clusters = {options.clusters_level_1, options.clusters, level_3,
                    level_3 * options.fan_out_level_4};
  shape.epsilon = options.epsilon;
  shape.epsilon_low = options.epsilon_low;
  shape.giant_share = options.giant_share;
  shape.seed = static_cast<uint64_t>(options.seed);
  return shape;
}

nlohmann::json list_giants(const CappedTraffic& capped, const Dataset& dataset,
                           const std::vector<double>& traffic) {
  nlohmann::json giants = nlohmann::json::array();
  for (size_t g = 0; g < std::min(kListedGiants, capped.giants.size()); ++g) {
    const auto item = static_cast<size_t>(capped.giants[g]);
    giants.push_back({{"item", dataset.item_id[item]},
                      {"title", dataset.item_title[item]},
                      {"traffic", traffic[item]},
                      {"capped_to", capped.cap}});
  }
  return giants;
}

nlohmann::json list_kept(const std::array<KeptClusters, kTreeLevels>& kept) {
  nlohmann::json levels = nlohmann::json::array();
  for (size_t index = 0; index < kept.size(); ++index) {
    const auto same = std::count(kept[index].same.begin(), kept[index].same.end(), true);
    levels.push_back(
        {{"level", index + 1}, {"clusters", same}, {"traffic_share", kept[index].traffic_share}});
    spdlog::info("level {}: {} of {} clusters and {:.1f}% of the traffic as before", index + 1,
                 same, kept[index].same.size(), 100 * kept[index].traffic_share);
  }
  return levels;
}

void log_levels(const std::array<LevelFigures, kTreeLevels>& figures) {
  for (size_t index = 0; index < figures.size(); ++index) {
    const LevelFigures& level = figures[index];
    spdlog::info(
        "level {}: {} clusters, traffic {:.2f} to {:.2f} of average (bound {:.2f} to {:.2f}{}), "
        "later {:.2f}, cut {:.3f}",
        index + 1, level.clusters, level.min_over_avg, level.max_over_avg, level.bound_lower,
        level.bound_upper, level.bound_met ? "" : ", not met within the nesting",
        level.max_over_avg_later, level.cut);
  }
}

}  // namespace

void ClusterOptions::declare(OptionSet& set) {
  set.add("clusters_level_1", clusters_level_1, "clusters of the coarsest level",
          at_least(int64_t{1}));
  set.add("clusters", clusters, "clusters of level 2, which the LLM plans in",
          at_least(int64_t{2}));
  set.add("fan_out_level_3", fan_out_level_3,
          "level 3 clusters for each of level 2, more for one with more traffic",
          at_least(int64_t{2}));
  set.add("fan_out_level_4", fan_out_level_4, "level 4 clusters for each of level 3, the same way",
          at_least(int64_t{2}));
  set.add("neighbors", neighbors, "nearest items each item is joined with", at_least(int64_t{1}));
  set.add("epsilon", epsilon, "traffic a cluster may have above the average, as a share of it",
          at_least(0.0));
  set.add("epsilon_low", epsilon_low, "traffic it may lack, as a share of the average",
          within(0.0, 1.0));
  set.add("giant_share", giant_share,
          "items heavier than this share of the average cluster are capped to it", above(0.0));
  set.add("keywords", keywords, "words in a description", at_least(int64_t{1}));
  set.add("later_share", later_share, "last share of the events by time, for the later imbalance",
          within(0.0, 1.0));
  set.add("previous", previous,
          "run folder with an earlier data.h5 and tree.h5: clusters that match keep their numbers "
          "and descriptions");
  set.add("drift_limit", drift_limit,
          "max/avg of a cluster's later traffic at which `cluster assign` calls for a new tree",
          above(1.0));
  set.add("seed", seed, "of the graph index and the partition", at_least(int64_t{0}));
}

ClusterResult cluster_dataset(const ClusterOptions& options, Dataset dataset,
                              const std::string& source, const PreviousTree* previous) {
  const TreeShape shape = shape_of(options);
  SERENDIP_CHECK(!dataset.embedding.empty(),
                 "{}: no /items/embedding; run `serendip embed` before `serendip cluster`", source);
  const ItemTraffic traffic = count_traffic(dataset, options.later_share);
  ClusterResult result;
  try {
    const auto balance = balance_levels(traffic.training, shape);  // refuses before the long work
    KnnOptions knn;
    knn.neighbors = options.neighbors;
    knn.seed = shape.seed;
    const Graph graph = knn_graph(std::exchange(dataset.embedding, {}), dataset.embedding_dim, knn);
    result.tree = build_tree(graph, traffic.training, shape);
    std::array<KeptClusters, kTreeLevels> kept;
    if (previous != nullptr) kept = number_like(*previous, traffic.training, result.tree);
    describe_clusters(result.tree, count_words(dataset.item_title, dataset.item_text),
                      dataset.item_title, options.keywords);
    if (previous != nullptr) keep_descriptions(*previous, kept, result.tree);
    const auto figures = measure_tree(result.tree, graph, shape, traffic.later);
    log_levels(figures);
    const CappedTraffic& planning = balance[kPlanningLevel - 1].traffic;
    result.report = {{"levels", to_json(figures)},
                     {"giants", planning.giants.size()},
                     {"giant_items", list_giants(planning, dataset, traffic.training)},
                     {"later_events", traffic.later_events}};
    if (previous != nullptr) result.report["kept"] = list_kept(kept);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    fail("{}: {}", source, error.what());
  }
  return result;
}

}  // namespace serendip
