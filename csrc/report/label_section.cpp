// Figure 3: how the best labels of all rows are spread, after diverse and after random curation.
#include <fmt/format.h>

#include "base/check.h"
#include "base/quantity_text.h"
#include "report/sections.h"

namespace serendip {
namespace {

using Named = std::vector<std::pair<std::string, LabelDistribution>>;

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

// "balanced", "random" or "table.h5" where the run does not tell.
std::string curation_of(const RunArtifacts& run) {
  const std::optional<JsonField> manifest = run.manifest("sft");
  const std::optional<JsonField> settings = manifest ? manifest->find("settings") : std::nullopt;
  if (settings && settings->text().find("sft.set: \"random\"") != std::string::npos)
    return "random set";
  return settings ? "balanced set" : "table.h5";
}

}  // namespace

HtmlSection label_section(const RunArtifacts& run, const std::filesystem::path& random_table) {
  HtmlSection section{"figure-3", "Figure 3: labels over all pairs", {}};
  if (!run.table) {
    section.body = html_missing("table.h5", "serendip generate");
    return section;
  }
  Named named = {{curation_of(run), *run.labels}};
  if (random_table.empty()) {
    section.body = html_missing(
        "table after random curation",
        "serendip run --until generate sft.set=random run.folder=OTHER, then serendip report "
        "report.random_table=OTHER/table.h5");
  } else {
    const PairTable other = load_pair_table(random_table);
    SERENDIP_CHECK(other.contexts == run.table->contexts,
                   "{}: expected the contexts of {}, got {} rows of {} clusters",
                   random_table.string(), (run.folder / "table.h5").string(), other.rows(),
                   other.cluster_count());
    named.emplace_back("random set", label_distribution(other));
  }
  section.body += html_figure(charts_svg("figure_3", {label_distribution_chart(named)}),
                              "Share of the rows whose best label it is, for each label, the most "
                              "frequent first. All rows of the table are counted: the figures have "
                              "no sampling error.");
  section.body += html_table(spread_table(named));
  return section;
}

}  // namespace serendip
