// Figure 3: how the best labels of all rows are spread, after diverse and after random curation.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/check.h"
#include "base/quantity_text.h"
#include "report/sections.h"

namespace serendip {
namespace {

using Named = std::vector<std::pair<std::string, LabelDistribution>>;

// Of all rows, those whose best label is one of the n most frequent.
Chart cumulative_chart(const Named& named) {
  Chart chart{"Best labels, added up", "the n most frequent labels", "% of rows"};
  chart.y_shown = {0, 100};
  for (const auto& [name, spread] : named) {
    ChartSeries series{name, {{0, 0}}, ChartSeries::Style::kLine};
    std::vector<int64_t> count = spread.count;
    std::sort(count.begin(), count.end(), std::greater<>());
    int64_t rows = 0;
    for (const int64_t of_label : count) {
      rows += of_label;
      series.points.push_back({static_cast<double>(series.points.size()),
                               100 * static_cast<double>(rows) /
                                   static_cast<double>(std::max<int64_t>(1, spread.rows))});
    }
    chart.series.push_back(std::move(series));
  }
  const auto labels = static_cast<double>(named.front().second.count.size());
  chart.series.push_back({"all alike", {{0, 0}, {labels, 100}}, ChartSeries::Style::kReference});
  return chart;
}

HtmlTable spread_table(const Named& named) {
  HtmlTable table{"How the best labels are spread",
                  {"fine-tuned on", "rows", "distinct labels", "never a best label",
                   "entropy, bits", "most frequent label", "most frequent 1%"}};
  for (const auto& [name, spread] : named)
    table.rows.push_back({name, count_text(static_cast<double>(spread.rows)),
                          count_text(static_cast<double>(spread.distinct)),
                          count_text(static_cast<double>(spread.count.size()) -
                                     static_cast<double>(spread.distinct)),
                          fmt::format("{:.3f}", spread.entropy_bits),
                          fmt::format("{:.2f}%", 100 * spread.largest_share),
                          fmt::format("{:.2f}%", 100 * spread.top_percent_share)});
  return table;
}

// What the manifest of a run's `sft` says of its set; nothing where it does not tell.
std::optional<std::string> curation_of(const std::filesystem::path& run) {
  const std::filesystem::path path = run / "manifests/sft.json";
  if (!std::filesystem::exists(path)) return std::nullopt;
  const nlohmann::json json = read_json(path);
  const auto settings = JsonField(json, path.string()).find("settings");
  if (!settings) return std::nullopt;
  return settings->text().find("sft.set: \"random\"") == std::string::npos ? "balanced set"
                                                                           : "random set";
}

// The table of a run with random curation, which lies in the folder `random` of this one.
PairTable load_random_table(const RunArtifacts& run, const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "table.h5";
  PairTable table = load_pair_table(path);
  SERENDIP_CHECK(table.contexts == run.table->contexts,
                 "{}: expected the contexts of {}, got {} rows of {} clusters", path.string(),
                 (run.folder / "table.h5").string(), table.rows(), table.cluster_count());
  if (run.tree) check_descriptions(table, run.tree->planning().description, path);
  const std::string curation = curation_of(folder).value_or("random set");
  SERENDIP_CHECK(curation == "random set", "{}: expected a run with sft.set=random, got the {}",
                 folder.string(), curation);
  return table;
}

}  // namespace

HtmlSection label_section(const RunArtifacts& run) {
  HtmlSection section{"figure-3", "Figure 3: labels over all pairs", {}};
  if (!run.table) {
    section.body = html_missing("table.h5", "serendip generate");
    return section;
  }
  const std::string own = curation_of(run.folder).value_or("table.h5");
  const std::filesystem::path random = run.folder / "random";
  Named named = {{own, *run.labels}};
  if (std::filesystem::exists(random / "table.h5")) {
    named.emplace_back("random set", label_distribution(load_random_table(run, random)));
  } else if (own != "random set") {
    section.body = html_missing(
        "table after random curation",
        fmt::format("serendip run --until generate sft.set=random run.folder={}", random.string()));
  }
  section.body += html_figure(
      charts_svg("figure_3", {label_distribution_chart(named), cumulative_chart(named)}),
      "Share of the rows whose best label it is, for each label, the most "
      "frequent first; below, the same added up, dashed where all labels "
      "were as frequent. All rows of the table are counted: the figures "
      "have no sampling error.");
  section.body += html_table(spread_table(named));
  return section;
}

}  // namespace serendip
