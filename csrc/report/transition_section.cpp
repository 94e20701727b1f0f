// Which interests follow which: the training users' transitions between the coarsest clusters.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "base/quantity_text.h"
#include "report/heat_map.h"
#include "report/sections.h"
#include "transitions/transitions.h"

namespace serendip {
namespace {

constexpr size_t kMostCells = 64;  // a side of the map, for names that can be read
constexpr size_t kListed = 15;

void check_clusters(const TransitionSet& set, int64_t clusters, const std::string& where) {
  const auto check = [&](int32_t cluster) {
    SERENDIP_CHECK(0 <= cluster && cluster < clusters, "{}: expected clusters below {}, got {}",
                   where, clusters, cluster);
  };
  for (const int32_t cluster : set.context) check(cluster);
  for (const int32_t cluster : set.label) check(cluster);
}

// [from, to] counts between clusters of level 1: from the latest of the context to the label.
std::vector<double> group_counts(const TransitionSet& set, const ClusterTree& tree) {
  const auto groups = static_cast<size_t>(tree.level(1).cluster_count());
  const std::vector<int32_t>& group = tree.planning().parent;
  std::vector<double> counts(groups * groups);
  for (int64_t t = 0; t < set.size(); ++t) {
    const int32_t from = set.context_of(t)[set.context_size - 1];
    const int32_t to = set.label[static_cast<size_t>(t)];
    counts[static_cast<size_t>(group[static_cast<size_t>(from)]) * groups +
           static_cast<size_t>(group[static_cast<size_t>(to)])] +=
        static_cast<double>(set.count[static_cast<size_t>(t)]);
  }
  return counts;
}

// The pairs of planning clusters that most transitions join, over all contexts.
HtmlTable frequent_pairs(const TransitionSet& set, const std::vector<std::string>& names) {
  const size_t clusters = names.size();
  std::vector<int64_t> counts(clusters * clusters);
  for (int64_t t = 0; t < set.size(); ++t)
    counts[static_cast<size_t>(set.context_of(t)[set.context_size - 1]) * clusters +
           static_cast<size_t>(set.label[static_cast<size_t>(t)])] +=
        set.count[static_cast<size_t>(t)];
  std::vector<size_t> order(counts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const size_t listed = std::min(kListed, order.size());
  std::partial_sort(
      order.begin(), order.begin() + static_cast<int64_t>(listed), order.end(),
      [&](size_t a, size_t b) { return counts[a] != counts[b] ? counts[a] > counts[b] : a < b; });
  HtmlTable table{"Most frequent steps from the latest interest to the new one",
                  {"latest interest", "new interest", "transitions"}};
  for (size_t i = 0; i < listed && counts[order[i]] > 0; ++i)
    table.rows.push_back({names[order[i] / clusters], names[order[i] % clusters],
                          count_text(static_cast<double>(counts[order[i]]))});
  table.numeric = false;
  return table;
}

std::string map_figure(const std::vector<double>& counts, const std::vector<std::string>& names) {
  const size_t groups = names.size();
  HeatMap map{"From the latest interest to the new one",
              "group of the new interest",
              "group of the latest interest",
              "% of the row's transitions",
              names,
              names,
              counts};
  for (size_t row = 0; row < groups; ++row) {
    const auto begin = map.values.begin() + static_cast<int64_t>(row * groups);
    const auto end = begin + static_cast<int64_t>(groups);
    const double sum = std::accumulate(begin, end, 0.0);
    for (auto value = begin; value != end; ++value) *value = sum > 0 ? 100 * *value / sum : 0;
  }
  return html_figure(
      heat_map_svg("transitions", map),
      "Transitions of the training users, each counted as often as it was made, between the "
      "clusters of level 1. A row's shares add up to 100%. All transitions are counted: the "
      "figures have no sampling error.");
}

}  // namespace

HtmlSection transition_section(const RunArtifacts& run) {
  HtmlSection section{"transitions", "What follows what", {}};
  const std::filesystem::path path = run.folder / "transitions.h5";
  if (!run.tree || !std::filesystem::exists(path)) {
    section.body = html_missing("transitions.h5", "serendip curate");
    return section;
  }
  const TransitionSet set = load_transitions(path).all;
  const TreeLevel& planning = run.tree->planning();
  check_clusters(set, planning.cluster_count(), path.string() + ": /all");
  const std::vector<std::string>& groups = run.tree->level(1).description;
  section.body =
      groups.size() <= kMostCells
          ? map_figure(group_counts(set, *run.tree), groups)
          : html_paragraph(fmt::format("No heat map: level 1 has {} clusters, whose names fit up "
                                       "to {}.",
                                       groups.size(), kMostCells));
  section.body += html_table(frequent_pairs(set, planning.description));
  return section;
}

}  // namespace serendip
