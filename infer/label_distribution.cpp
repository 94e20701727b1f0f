#include "infer/label_distribution.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "base/check.h"

namespace serendip {
namespace {

std::vector<int64_t> by_frequency(const LabelDistribution& distribution) {
  std::vector<int64_t> count = distribution.count;
  std::sort(count.begin(), count.end(), std::greater<>());
  return count;
}

// The labels of a row, none left out.
std::vector<int32_t> labels_of(const PairTable& table, int64_t row) {
  const auto begin = table.label.begin() + row * table.k;
  std::vector<int32_t> labels(begin, begin + table.k);
  std::erase(labels, PairTable::kNoLabel);
  return labels;
}

}  // namespace

nlohmann::json LabelDistribution::json() const {
  return {{"rows_with_label", rows},
          {"labels", count.size()},
          {"distinct_labels", distinct},
          {"never", static_cast<int64_t>(count.size()) - distinct},
          {"entropy_bits", entropy_bits},
          {"largest_share", largest_share},
          {"top_percent_share", top_percent_share}};
}

double entropy_bits(const std::vector<double>& counts) {
  double total = 0, entropy = 0;
  for (const double count : counts) total += count;
  for (const double count : counts)
    if (count > 0) entropy -= count / total * std::log2(count / total);
  return entropy;
}

LabelDistribution label_distribution(const PairTable& table) {
  LabelDistribution result;
  result.count.resize(static_cast<size_t>(table.cluster_count()));
  for (int64_t row = 0; row < table.rows(); ++row) {
    const int32_t best = table.label[static_cast<size_t>(row * table.k)];
    if (best == PairTable::kNoLabel) continue;
    ++result.count[static_cast<size_t>(best)];
    ++result.rows;
  }
  if (result.rows == 0) return result;
  const auto rows = static_cast<double>(result.rows);
  const std::vector<int64_t> sorted = by_frequency(result);
  result.distinct =
      static_cast<int64_t>(sorted.size()) - std::count(sorted.begin(), sorted.end(), 0);
  result.entropy_bits = entropy_bits({sorted.begin(), sorted.end()});
  result.largest_share = static_cast<double>(sorted[0]) / rows;
  const auto top = static_cast<int64_t>((sorted.size() + 99) / 100);
  result.top_percent_share =
      static_cast<double>(std::accumulate(sorted.begin(), sorted.begin() + top, int64_t{0})) / rows;
  return result;
}

nlohmann::json compare_tables(const PairTable& a, const PairTable& b) {
  SERENDIP_CHECK(a.contexts == b.contexts,
                 "tables: expected the same contexts, got {} rows of {} clusters and {} of {}",
                 a.rows(), a.cluster_count(), b.rows(), b.cluster_count());
  const auto k = static_cast<double>(std::min(a.k, b.k));
  double same = 0, common = 0;
  for (int64_t row = 0; row < a.rows(); ++row) {
    const std::vector<int32_t> left = labels_of(a, row), right = labels_of(b, row);
    same += !left.empty() && !right.empty() && left[0] == right[0];
    for (const int32_t label : left) common += std::count(right.begin(), right.end(), label);
  }
  const LabelDistribution left = label_distribution(a), right = label_distribution(b);
  double variation = 0;
  for (size_t i = 0; i < left.count.size(); ++i)
    variation += std::abs(static_cast<double>(left.count[i]) /
                              static_cast<double>(std::max<int64_t>(1, left.rows)) -
                          static_cast<double>(right.count[i]) /
                              static_cast<double>(std::max<int64_t>(1, right.rows)));
  const auto rows = static_cast<double>(std::max<int64_t>(1, a.rows()));
  return {{"rows", a.rows()},
          {"same_best", same / rows},
          {"common_labels", common / rows / std::max(1.0, k)},
          {"total_variation", variation / 2}};
}

Chart label_distribution_chart(
    const std::vector<std::pair<std::string, LabelDistribution>>& tables) {
  Chart chart{"Best labels, most frequent first", "labels, by rank", "% of rows"};
  chart.y_shown = {0};
  for (const auto& [name, distribution] : tables) {
    ChartSeries series{name, {}, ChartSeries::Style::kLine};
    const std::vector<int64_t> sorted = by_frequency(distribution);
    for (size_t i = 0; i < sorted.size(); ++i)
      series.points.push_back({static_cast<double>(i + 1),
                               100 * static_cast<double>(sorted[i]) /
                                   static_cast<double>(std::max<int64_t>(1, distribution.rows))});
    chart.series.push_back(std::move(series));
  }
  return chart;
}

}  // namespace serendip
