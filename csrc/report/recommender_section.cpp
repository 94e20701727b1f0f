// The item recommender by full ranking, beside popularity.
#include <fmt/format.h>

#include "base/quantity_text.h"
#include "report/sections.h"

namespace serendip {
namespace {

std::string metric_name(const std::string& key) {
  const size_t at = key.rfind("_at_");
  std::string name = key.substr(0, at);
  if (name == "hr" || name == "ndcg" || name == "mrr")
    for (char& c : name) c = static_cast<char>(c - 'a' + 'A');
  return at == std::string::npos ? name : name + "@" + key.substr(at + 4);
}

// A column for each policy that has its figures in the result.
HtmlTable policy_table(const JsonField& result) {
  HtmlTable table{"Full ranking of all items outside the user's history", {"measure"}};
  std::vector<JsonField> policies;
  for (const auto& [name, field] : result.members()) {
    if (!field.json().is_object() || !field.find("hr_at_10")) continue;
    table.columns.push_back(name == "test" ? "sequence model" : name);
    policies.push_back(field);
  }
  if (policies.empty()) return table;
  for (const auto& [key, first] : policies.front().members()) {
    table.rows.push_back({metric_name(key)});
    for (const JsonField& policy : policies) {
      const JsonField value = policy.at(key);
      table.rows.back().push_back(value.json().is_number_integer()
                                      ? count_text(value.number())
                                      : fmt::format("{:.4f}", value.number()));
    }
  }
  return table;
}

}  // namespace

HtmlSection recommender_section(const RunArtifacts& run) {
  HtmlSection section{"recommender", "The item recommender", {}};
  const std::optional<JsonField> result = run.result("recommend_eval");
  if (!result) {
    section.body = html_missing("evaluation of the recommender", "serendip recommend eval");
    return section;
  }
  if (const auto gain = result->find("ndcg_at_10_over_popularity"))
    section.body = html_paragraph(fmt::format(
        "NDCG@10 over popularity: {:+.4f} (95% interval {:+.4f} to {:+.4f}, paired bootstrap over "
        "users).",
        gain->at("mean").number(), gain->at("low").number(), gain->at("high").number()));
  section.body += html_table(policy_table(*result));
  return section;
}

}  // namespace serendip
