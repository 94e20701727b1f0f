#include "infer/interest_lookup.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace serendip {

InterestLookup::InterestLookup(const ClusterTree& tree, PairTable table, const MiningRule& rule)
    : tree_(tree), table_(std::move(table)), rule_(rule) {
  rule_.context_size = table_.contexts.context_size();
  SERENDIP_CHECK(table_.cluster_count() == tree.planning().cluster_count(),
                 "pair table: expected one of the tree's {} clusters, got one of {}",
                 tree.planning().cluster_count(), table_.cluster_count());
}

InterestRow InterestLookup::row(const History& history) const {
  std::vector<int32_t> clusters;
  for (const int32_t item : history.item)
    clusters.push_back(tree_.planning().assignment[static_cast<size_t>(item)]);
  InterestRow result{latest_context(clusters, history.reward, rule_), {}};
  if (result.context.empty()) return result;
  const std::optional<int64_t> row = table_.contexts.find(result.context);
  if (!row) return result;
  const std::unordered_set<int32_t> known = known_clusters(clusters, result.context, rule_.novelty);
  for (int64_t rank = 0; rank < table_.k; ++rank) {
    const auto entry = static_cast<size_t>(*row * table_.k + rank);
    const int32_t label = table_.label[entry];
    if (label < 0 || label >= table_.cluster_count()) continue;  // an unfilled place
    result.labels.push_back({label, entry, known.contains(label)});
  }
  return result;
}

std::vector<TableLabel> InterestLookup::best(const InterestRow& row, int64_t count) const {
  std::vector<TableLabel> novel;
  for (const TableLabel& label : row.labels)
    if (!label.known && static_cast<int64_t>(novel.size()) < count) novel.push_back(label);
  return novel;
}

std::vector<TableLabel> InterestLookup::drawn(const InterestRow& row, int64_t count,
                                              Random& random) const {
  const auto weight_of = [&](const TableLabel& label, const TableLabel& most) {
    return std::exp(
        static_cast<double>(table_.log_prob[label.entry] - table_.log_prob[most.entry]));
  };
  std::vector<TableLabel> left = best(row, table_.k), result;
  while (!left.empty() && static_cast<int64_t>(result.size()) < count) {
    std::vector<double> below;  // the sum of the weights up to each label
    for (const TableLabel& label : left)
      below.push_back((below.empty() ? 0.0 : below.back()) + weight_of(label, left.front()));
    const auto chosen =
        std::upper_bound(below.begin(), below.end() - 1, random.uniform() * below.back()) -
        below.begin();
    result.push_back(left[static_cast<size_t>(chosen)]);
    left.erase(left.begin() + chosen);
  }
  return result;
}

}  // namespace serendip
