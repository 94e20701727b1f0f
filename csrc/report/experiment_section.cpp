// The experiment with simulated users: claims and Figures 4b, 4c and 5 (experiment/results.json).
#include <fmt/format.h>

#include "report/experiment_figures.h"
#include "report/sections.h"

namespace serendip {
namespace {

HtmlTable claim_table(const std::vector<JsonField>& claims) {
  HtmlTable table{"Claims as tests, effects with their 95% intervals",
                  {"claim", "arm", "verdict", "effect", "margin", "p (Holm)", "detectable"}};
  table.numeric = false;
  for (const JsonField& claim : claims) {
    const double margin = claim.at("margin").number();
    const std::string verdict = claim.at("verdict").text();
    const JsonField effect = claim.at("effect");
    table.rows.push_back(
        {claim.at("statement").text(), claim.at("arm").text(), verdict, effect_text(effect),
         margin > 0 ? fmt::format("{:.3g}", margin) : "", p_value_text(claim.at("p_holm")),
         verdict == "not decided" ? fmt::format("{:.2g}", effect.at("detectable").number()) : ""});
  }
  return table;
}

// What the arms did, and what an experiment of this size would find in 80 of 100 cases.
HtmlTable arm_table(const JsonField& arms, const std::string& control) {
  HtmlTable table{"Arms: minutes watched a user-day and user-days of at least 10 minutes",
                  {"arm", "policy", "worlds", "minutes", "over " + control, "detectable", "active",
                   "over " + control, "detectable"}};
  for (const auto& [name, arm] : arms.members()) {
    table.rows.push_back(
        {name, arm.at("policy").text(), std::to_string(arm.at("worlds").integer())});
    for (const char* metric : {"watch_minutes", "active"}) {
      const JsonField over = arm.at("over_control").at(metric);
      table.rows.back().push_back(effect_text(arm.at("levels").at(metric)));
      table.rows.back().push_back(effect_text(over));
      table.rows.back().push_back(fmt::format("{:.2g}", over.at("detectable").number()));
    }
  }
  return table;
}

std::string size_text(const JsonField& parameters) {
  const auto number = [&](const char* key) { return parameters.at(key).integer(); };
  return fmt::format(
      "{} invented worlds of {} users, {} items, {} topics and {} clusters. After {} days of the "
      "incumbent each arm has the same users for {} days, its models trained every {}. Intervals: "
      "95%, {} drawn. What does not hold is shown as not holding.",
      number("worlds"), number("users_a_world"), number("items"), number("topics"),
      number("clusters"), number("days_before"), number("days"), number("retrain_every"),
      parameters.at("resampled").text());
}

constexpr const char* kCorrection =
    "A claim holds, or does not, where its p-value is below 5% after Holm's correction for the "
    "claims of its figure (4b, 4c, 5); for Figure 4c it is the largest over the ten N, themselves "
    "corrected. Where nothing is decided, the last column has the effect that 80 of 100 such "
    "experiments would find. docs/simulator.md says how it is made.";

}  // namespace

HtmlSection claims_section(const RunArtifacts& run) {
  HtmlSection section{"experiment", "The experiment: Figures 4b, 4c and 5", {}};
  const std::filesystem::path path = run.folder / "experiment/results.json";
  if (!std::filesystem::exists(path)) {
    section.body = html_missing("experiment/results.json", "serendip simulate experiment");
    return section;
  }
  const nlohmann::json json = read_json(path);
  const JsonField results(json, path.string());
  const JsonField parameters = results.at("parameters");
  section.body = html_paragraph(size_text(parameters)) +
                 html_table(claim_table(results.at("claims").items())) +
                 html_paragraph(kCorrection) + experiment_figures_html(results) +
                 html_table(arm_table(results.at("arms"), parameters.at("control").text()));
  return section;
}

}  // namespace serendip
