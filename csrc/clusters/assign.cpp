#include "clusters/assign.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

#include "base/check.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "clusters/item_traffic.h"
#include "clusters/knn_graph.h"
#include "clusters/tile_search.h"
#include "clusters/tree_builder.h"

namespace serendip {
namespace {

constexpr int64_t kTile = 64;

// Rows of `items`, of length 1, one after the other.
std::vector<float> rows_of(const std::vector<float>& unit, int64_t dim,
                           const std::vector<int32_t>& items) {
  std::vector<float> rows;
  rows.reserve(items.size() * static_cast<size_t>(dim));
  for (const int32_t item : items)
    rows.insert(rows.end(), unit.begin() + item * dim, unit.begin() + (item + 1) * dim);
  return rows;
}

// For each query the nearest of `base`, best first.
std::vector<std::vector<Scored>> nearest(const std::vector<float>& unit, int64_t dim,
                                         const std::vector<int32_t>& queries,
                                         const std::vector<int32_t>& base, int64_t count) {
  const std::vector<float> query_rows = rows_of(unit, dim, queries);
  const std::vector<float> base_rows = rows_of(unit, dim, base);
  std::vector<std::vector<Scored>> lists(queries.size());
  const auto size = static_cast<int64_t>(queries.size());
#pragma omp parallel for schedule(dynamic)
  for (int64_t begin = 0; begin < size; begin += kTile) {
    if (interrupted()) continue;
    const auto first = static_cast<size_t>(begin);
    const auto rows = static_cast<size_t>(std::min(kTile, size - begin));
    const RowBlock tile{query_rows.data() + begin * dim,
                        std::span<const int32_t>(queries).subspan(first, rows)};
    auto best = best_rows(tile, {base_rows.data(), base}, dim, static_cast<size_t>(count));
    std::move(best.begin(), best.end(), lists.begin() + begin);
  }
  throw_if_interrupted();
  return lists;
}

// Puts one item after the other where its neighbours are, as far as the bound lets it.
class Assignment {
 public:
  Assignment(ClusterTree& tree, const LevelBalance& balance)
      : tree_(tree), balance_(balance), load_(tree.planning().parent.size(), 0.0) {}

  void count(int32_t item) {
    load_[static_cast<size_t>(tree_.planning().assignment[static_cast<size_t>(item)])] +=
        weight_of(item);
  }

  // `unit` [N, dim]: the items' embeddings. The mean of each leaf is that of the items counted so
  // far.
  void measure_leaves(const std::vector<float>& unit, int64_t dim,
                      const std::vector<int32_t>& items) {
    unit_ = &unit;
    dim_ = dim;
    mean_.assign(tree_.levels.back().parent.size() * static_cast<size_t>(dim), 0.0f);
    for (const int32_t item : items) {
      float* mean = mean_.data() + leaves()[static_cast<size_t>(item)] * dim;
      for (int64_t d = 0; d < dim; ++d) mean[d] += unit[static_cast<size_t>(item * dim + d)];
    }
    mean_ = unit_rows(mean_, dim);
  }

  void place(int32_t item, const std::vector<Scored>& neighbors) {
    std::map<int32_t, double> votes;
    for (const Scored& neighbor : neighbors)
      votes[leaves()[static_cast<size_t>(neighbor.index)]] += std::max(0.0f, neighbor.score);
    std::optional<int32_t> leaf = best_that_fits(item, votes);
    if (!leaf) {
      for (size_t other = 0; other < tree_.levels.back().parent.size(); ++other)
        votes[static_cast<int32_t>(other)] = cosine_to(static_cast<int64_t>(other), item);
      leaf = best_that_fits(item, votes);
    }
    SERENDIP_CHECK(leaf.has_value(), "item {} has no cluster with room for it", item);
    put(item, *leaf);
    count(item);
  }

  const std::vector<double>& load() const { return load_; }

 private:
  const std::vector<int32_t>& leaves() const { return tree_.levels.back().assignment; }
  double weight_of(int32_t item) const {
    return balance_.traffic.weight[static_cast<size_t>(item)];
  }
  int32_t planning_of(int32_t leaf) const {
    for (int level = kTreeLevels; level > kPlanningLevel; --level)
      leaf = tree_.level(level).parent[static_cast<size_t>(leaf)];
    return leaf;
  }
  // The most votes, ties by the leaf's number.
  std::optional<int32_t> best_that_fits(int32_t item, const std::map<int32_t, double>& votes) {
    std::optional<int32_t> best;
    for (const auto& [leaf, vote] : votes) {
      const double load = load_[static_cast<size_t>(planning_of(leaf))] + weight_of(item);
      if (load <= balance_.bound.upper && (!best || vote > votes.at(*best))) best = leaf;
    }
    return best;
  }
  double cosine_to(int64_t leaf, int64_t item) const {
    double sum = 0;
    for (int64_t d = 0; d < dim_; ++d)
      sum += static_cast<double>(mean_[static_cast<size_t>(leaf * dim_ + d)]) *
             (*unit_)[static_cast<size_t>(item * dim_ + d)];
    return sum;
  }
  void put(int32_t item, int32_t cluster) {
    for (size_t index = tree_.levels.size(); index-- > 0;) {
      tree_.levels[index].assignment[static_cast<size_t>(item)] = cluster;
      cluster = tree_.levels[index].parent[static_cast<size_t>(cluster)];
    }
  }

  ClusterTree& tree_;
  const LevelBalance& balance_;
  std::vector<double> load_;  // of each planning cluster, w'
  const std::vector<float>* unit_ = nullptr;
  int64_t dim_ = 0;
  std::vector<float> mean_;  // [leaves, dim], of length 1
};

// The tree of before over the items of now, new ones in no cluster yet (-1).
ClusterTree carried_over(const PreviousTree& previous, const std::vector<double>& traffic) {
  ClusterTree tree = previous.tree;
  tree.item_traffic = traffic;
  for (size_t index = 0; index < tree.levels.size(); ++index) {
    std::vector<int32_t> assignment;
    for (const int32_t item : previous.item)
      assignment.push_back(
          item < 0 ? -1 : previous.tree.levels[index].assignment[static_cast<size_t>(item)]);
    tree.levels[index].assignment = std::move(assignment);
  }
  return tree;
}

std::string day_of(int64_t time) {
  const auto day = static_cast<time_t>(time);
  tm parts{};
  gmtime_r(&day, &parts);
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

double max_over_avg(const std::vector<double>& load) {
  const double total = std::accumulate(load.begin(), load.end(), 0.0);
  if (total == 0) return 0;
  return *std::max_element(load.begin(), load.end()) * static_cast<double>(load.size()) / total;
}

}  // namespace

nlohmann::json measure_drift(const ClusterOptions& options, const Dataset& dataset,
                             const TreeLevel& planning) {
  constexpr int64_t kWindows = 10;
  constexpr double kDay = 86400;
  const int64_t first = begin_of_last(dataset, options.later_share);
  int64_t last = first;
  for (const int64_t time : dataset.event_time) last = std::max(last, time);
  std::vector<std::vector<double>> load(kWindows, std::vector<double>(planning.parent.size(), 0.0));
  const double width = static_cast<double>(last - first + 1) / kWindows;
  for (size_t e = 0; e < dataset.event_time.size(); ++e) {
    if (dataset.event_time[e] < first) continue;
    const auto window =
        static_cast<size_t>(static_cast<double>(dataset.event_time[e] - first) / width);
    const auto item = static_cast<size_t>(dataset.event_item[e]);
    load[std::min<size_t>(window, kWindows - 1)][static_cast<size_t>(planning.assignment[item])] +=
        1;
  }
  std::vector<double> day, imbalance;  // of windows with events; days before the last event
  for (size_t window = 0; window < load.size(); ++window) {
    const double value = max_over_avg(load[window]);
    if (value == 0) continue;
    imbalance.push_back(value);
    day.push_back((static_cast<double>(window) + 0.5 - kWindows) * width / kDay);
  }
  nlohmann::json drift = {{"max_over_avg", imbalance},
                          {"per_day", 0.0},
                          {"limit", options.drift_limit},
                          {"rebuild_due", nullptr}};
  if (imbalance.size() < 2) return drift;
  const auto count = static_cast<double>(day.size());
  const double mean_day = std::accumulate(day.begin(), day.end(), 0.0) / count;
  const double mean = std::accumulate(imbalance.begin(), imbalance.end(), 0.0) / count;
  double covariance = 0, variance = 0;
  for (size_t i = 0; i < day.size(); ++i) {
    covariance += (day[i] - mean_day) * (imbalance[i] - mean);
    variance += (day[i] - mean_day) * (day[i] - mean_day);
  }
  const double slope = covariance / variance, today = mean - slope * mean_day;
  drift["per_day"] = slope;
  constexpr double kCentury = 36525;  // later than that is no forecast
  const double left = slope > 0 ? (options.drift_limit - today) / slope : kCentury;
  if (today >= options.drift_limit)
    drift["rebuild_due"] = day_of(last);
  else if (left < kCentury)
    drift["rebuild_due"] = day_of(last + static_cast<int64_t>(left * kDay));
  return drift;
}

ClusterResult assign_items(const ClusterOptions& options, const Dataset& dataset,
                           const PreviousTree& previous, const std::string& source) {
  SERENDIP_CHECK(!dataset.embedding.empty(),
                 "{}: no /items/embedding; run `serendip embed` before `serendip cluster assign`",
                 source);
  const ItemTraffic traffic = count_traffic(dataset, options.later_share);
  ClusterResult result{carried_over(previous, traffic.training), {}};
  ClusterTree& tree = result.tree;
  const int64_t clusters = tree.planning().cluster_count();
  LevelBalance balance;
  balance.traffic = cap_giants(traffic.training, clusters, options.giant_share, "level 2");
  balance.bound = traffic_bound(balance.traffic.total, balance.traffic.largest, clusters,
                                options.epsilon, options.epsilon_low);
  std::vector<int32_t> known, later;
  Assignment assignment(tree, balance);
  for (size_t item = 0; item < previous.item.size(); ++item) {
    (previous.item[item] < 0 ? later : known).push_back(static_cast<int32_t>(item));
    if (previous.item[item] >= 0) assignment.count(static_cast<int32_t>(item));
  }
  SERENDIP_CHECK(!known.empty(), "{}: none of the {} items is in {}", source, previous.item.size(),
                 options.previous);
  std::stable_sort(later.begin(), later.end(), [&](int32_t a, int32_t b) {
    return traffic.training[static_cast<size_t>(a)] > traffic.training[static_cast<size_t>(b)];
  });
  const std::vector<float> unit = unit_rows(dataset.embedding, dataset.embedding_dim);
  const auto lists = nearest(unit, dataset.embedding_dim, later, known, options.neighbors);
  assignment.measure_leaves(unit, dataset.embedding_dim, known);
  for (size_t i = 0; i < later.size(); ++i) assignment.place(later[i], lists[i]);
  for (TreeLevel& level : tree.levels)
    level.traffic = sum_by_cluster(traffic.training, level.assignment, level.cluster_count());

  const auto [least, most] =
      std::minmax_element(assignment.load().begin(), assignment.load().end());
  const auto later_load = sum_by_cluster(traffic.later, tree.planning().assignment, clusters);
  result.report = {{"new_items", later.size()},
                   {"gone_items", previous.gone},
                   {"bound_met", balance.bound.holds(*least) && balance.bound.holds(*most)},
                   {"max_over_avg", *most / balance.bound.average},
                   {"min_over_avg", *least / balance.bound.average},
                   {"max_over_avg_later", max_over_avg(later_load)},
                   {"drift", measure_drift(options, dataset, tree.planning())}};
  return result;
}

nlohmann::json assign_to_tree(const ClusterOptions& options, const std::filesystem::path& data_h5,
                              const std::filesystem::path& tree_h5) {
  const Dataset dataset = load_dataset(data_h5);
  const ClusterResult result = assign_items(
      options, dataset, load_previous_tree(options.previous, dataset.item_id), data_h5.string());
  save_tree(result.tree, tree_h5);
  return result.report;
}

}  // namespace serendip
