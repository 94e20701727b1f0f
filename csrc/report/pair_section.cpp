// The pair table in a compact form, for the page's search.
#include "report/pair_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/quantity_text.h"
#include "report/sections.h"

namespace serendip {
namespace {

constexpr int64_t kMostBytes = 8 << 20;  // of the encoded rows, before base64
constexpr int64_t kMostShown = 3;        // labels a row

void append_pair(int32_t value, std::string& bytes) {
  bytes += static_cast<char>(value & 0xff);
  bytes += static_cast<char>(value >> 8 & 0xff);
}

std::string input(int64_t place, int64_t context_size) {
  const std::string name = place == context_size       ? "Best new interest"
                           : place + 1 == context_size ? "Latest interest"
                           : place == 0                ? "Earlier interest"
                                                       : fmt::format("Interest {}", place + 1);
  return fmt::format("<label>{} has the words<br><input type=\"search\"></label>\n", name);
}

std::string head(int64_t context_size, int64_t shown) {
  std::string cells;
  for (int64_t place = 0; place < context_size; ++place)
    cells += fmt::format("<th scope=\"col\">{}</th>",
                         place + 1 == context_size ? "latest interest" : "earlier interest");
  for (int64_t rank = 0; rank < shown; ++rank)
    cells += rank == 0 ? "<th scope=\"col\">best new interest</th>"
                       : fmt::format("<th scope=\"col\">{}</th>", rank == 1 ? "second" : "third");
  return cells;
}

}  // namespace

int64_t pair_labels_shown(const PairTable& table) {
  const int64_t context_bytes = table.contexts.is_all() ? 0 : 2 * table.contexts.context_size();
  if (table.cluster_count() >= kNoPairLabel) return 0;
  for (int64_t shown = std::min(kMostShown, table.k); shown > 0; --shown)
    if (table.rows() * (context_bytes + 3 * shown) <= kMostBytes) return shown;
  return 0;
}

nlohmann::json encode_pairs(const PairTable& table, int64_t shown,
                            const std::vector<std::string>& descriptions) {
  std::string label, log_prob, context;
  for (int64_t row = 0; row < table.rows(); ++row) {
    for (int64_t rank = 0; rank < shown; ++rank) {
      const auto entry = static_cast<size_t>(row * table.k + rank);
      const bool none = table.label[entry] == PairTable::kNoLabel;
      append_pair(none ? kNoPairLabel : table.label[entry], label);
      const double steps = std::round(-static_cast<double>(table.log_prob[entry]) * kStepsANat);
      log_prob += static_cast<char>(static_cast<uint8_t>(std::clamp(steps, 0.0, kLastStep)));
    }
    if (!table.contexts.is_all())
      for (const int32_t cluster : table.contexts[row]) append_pair(cluster, context);
  }
  nlohmann::json result = {{"descriptions", descriptions},
                           {"rows", table.rows()},
                           {"shown", shown},
                           {"context_size", table.contexts.context_size()},
                           {"none", kNoPairLabel},
                           {"steps_a_nat", kStepsANat},
                           {"last_step", kLastStep},
                           {"label", base64(label)},
                           {"log_prob", base64(log_prob)}};
  if (!table.contexts.is_all()) result["context"] = base64(context);
  return result;
}

HtmlSection pair_section(const RunArtifacts& run) {
  HtmlSection section{"pairs", "Every pair's new interests", {}};
  if (!run.table || !run.tree) {
    section.body = html_missing("table.h5", "serendip generate");
    return section;
  }
  const PairTable& table = *run.table;
  const int64_t shown = pair_labels_shown(table), context_size = table.contexts.context_size();
  if (shown == 0 || (table.contexts.is_all() && context_size != 2)) {
    section.body = html_paragraph(fmt::format(
        "The table's {} rows are too many for a page: serendip inspect shows some, serendip export "
        "writes all.",
        count_text(static_cast<double>(table.rows()))));
    return section;
  }
  section.body = html_paragraph(fmt::format(
      "What the language model expects after {} interests, for {} rows: {} in table.h5. In "
      "brackets "
      "the probability that it gives to that line of keywords, rounded to within 3.2%; the bounds "
      "over the closed set of interests are in table.h5 alone.",
      context_size, count_text(static_cast<double>(table.rows())),
      shown == table.k ? "all labels of each row"
                       : fmt::format("the best {} of each row's {} labels", shown, table.k)));
  section.body += "<div class=\"searches\">\n";
  for (int64_t place = 0; place <= context_size; ++place)
    section.body += input(place, context_size);
  section.body += fmt::format(
      "</div>\n<p id=\"pair-status\" role=\"status\">The search needs JavaScript.</p>\n"
      "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Rows of the pair table\">"
      "<table id=\"pair-rows\">\n<caption>Rows of the pair table</caption>\n"
      "<thead><tr>{}</tr></thead><tbody></tbody></table></div>\n"
      "<p><button type=\"button\" id=\"pair-before\">Rows before</button> "
      "<button type=\"button\" id=\"pair-after\">Rows after</button></p>\n"
      "<script type=\"application/json\" id=\"pair-data\">{}</script>\n",
      head(context_size, shown),
      script_json(encode_pairs(table, shown, run.tree->planning().description)
                      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
  return section;
}

}  // namespace serendip
