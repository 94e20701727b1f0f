// How the best labels of a pair table's rows are spread over the clusters (the paper's figure 3).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/chart.h"
#include "infer/pair_table.h"

namespace serendip {

struct LabelDistribution {
  std::vector<int64_t> count;  // [M], rows whose best label it is
  int64_t rows = 0;            // that have a label
  int64_t distinct = 0;        // labels that are some row's best
  double entropy_bits = 0, largest_share = 0;
  double top_percent_share = 0;  // of the most frequent 1% of the labels, at least one

  // Without `count`; "never": labels that are no row's best.
  nlohmann::json json() const;
};
LabelDistribution label_distribution(const PairTable& table);

// Of the distribution in proportion to the counts, in bits.
double entropy_bits(const std::vector<double>& counts);

// What two tables of the same clusters say of the same contexts: {"rows", "same_best" (share of
// rows), "common_labels" (mean share of the shorter k), "total_variation" (of the distributions)}.
// Throws Error where shapes differ.
nlohmann::json compare_tables(const PairTable& a, const PairTable& b);

// Share of rows by label, most frequent first, a curve a table.
Chart label_distribution_chart(
    const std::vector<std::pair<std::string, LabelDistribution>>& tables);

}  // namespace serendip
