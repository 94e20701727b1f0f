#include <fmt/format.h>

#include "simulator/experiment_results.h"
#include "simulator/outcomes.h"

namespace serendip {
namespace {

using nlohmann::json;

std::string interval(const json& effect) {
  return fmt::format("{:.4g} [{:.4g}, {:.4g}]", effect.at("value").get<double>(),
                     effect.at("low").get<double>(), effect.at("high").get<double>());
}

std::string head(const json& parameters) {
  const auto number = [&](const char* key) { return parameters.at(key).get<int64_t>(); };
  return fmt::format(
      "{} worlds of {} users, {} items, {} topics, {} clusters; {} days of the incumbent, then {} "
      "of the arms,\nmodels trained every {}. 95% intervals, {} drawn. MDE: what 80 of 100 such "
      "experiments would find.\n",
      number("worlds"), number("users_a_world"), number("items"), number("topics"),
      number("clusters"), number("days_before"), number("days"), number("retrain_every"),
      parameters.at("resampled").get<std::string>());
}

std::string arms_table(const json& results) {
  std::string text;
  const std::string control = results.at("parameters").at("control");
  for (const OutcomeMetric& metric : outcome_metrics()) {
    text += fmt::format("\n{}: {}\n  {:<18} {:>6}  {:<32} {:<34} {}\n", metric.name, metric.text,
                        "arm", "worlds", "level", "over " + control, "MDE");
    for (const auto& [name, arm] : results.at("arms").items()) {
      const json& over = arm.at("over_control").at(metric.name);
      text +=
          fmt::format("  {:<18} {:>6}  {:<32} {:<34} {:.3g}\n", name,
                      arm.at("worlds").get<int64_t>(), interval(arm.at("levels").at(metric.name)),
                      interval(over), over.at("detectable").get<double>());
    }
  }
  return text;
}

std::string figure_4b(const json& results) {
  if (!results.contains("figure_4b")) return {};
  std::string text = fmt::format("\nnovelty against quality at the policies' own places, over {}\n",
                                 results.at("parameters").at("bandit").get<std::string>());
  for (const json& point : results.at("figure_4b"))
    text += fmt::format("  {:<18} novelty {:<34} quality {}\n", point.at("arm").get<std::string>(),
                        interval(point.at("novelty")), interval(point.at("quality")));
  return text;
}

std::string figure_4c(const json& results) {
  const std::string hybrid = results.at("parameters").at("hybrid");
  std::string text = fmt::format(
      "\nUCI@N of {}: share of users who liked N clusters, over the control's (N of 761: the "
      "paper's)\n",
      hybrid);
  for (const json& point : results.at("figure_4c"))
    if (point.at("arm") == hybrid)
      text += fmt::format("  {:<8} N {:>3} ({:>3} of 761)  {:<32} over {:<34} p (Holm) {:.3g}\n",
                          point.at("reading").get<std::string>(), point.at("n").get<int64_t>(),
                          point.at("n_of_761").get<int64_t>(), interval(point.at("users")),
                          interval(point.at("over_control")), point.at("p_holm").get<double>());
  return text;
}

std::string phase_diagram(const json& results) {
  if (results.at("phase_diagram").empty()) return {};
  std::string text = "\nwatch time of the stand-in over the control, minutes a user-day\n";
  for (const json& cell : results.at("phase_diagram"))
    text += fmt::format("  gamma {:<5} rho {:<5} {} of {:.4g} ({} worlds)\n",
                        cell.at("gamma").get<double>(), cell.at("accuracy").get<double>(),
                        interval(cell.at("watch_minutes")),
                        cell.at("control_minutes").get<double>(), cell.at("worlds").get<int64_t>());
  return text;
}

std::string claims(const json& results) {
  std::string text = "\nclaims, p-values corrected by Holm for those of a figure\n";
  for (const json& claim : results.at("claims")) {
    const auto verdict = claim.at("verdict").get<std::string>();
    std::string figures = interval(claim.at("effect"));
    if (const auto margin = claim.at("margin").get<double>(); margin > 0)
      figures += fmt::format(", margin {:.3g}", margin);
    figures += fmt::format(", p (Holm) {:.3g}", claim.at("p_holm").get<double>());
    if (verdict == "not decided")
      figures += fmt::format(", MDE {:.3g}", claim.at("effect").at("detectable").get<double>());
    text += fmt::format("  {:<13} {:<26} {:<14} {}: {}\n", verdict,
                        claim.at("claim").get<std::string>(), claim.at("arm").get<std::string>(),
                        figures, claim.at("statement").get<std::string>());
  }
  return text;
}

}  // namespace

std::string experiment_summary(const json& results) {
  return head(results.at("parameters")) + claims(results) + arms_table(results) +
         figure_4b(results) + figure_4c(results) + phase_diagram(results);
}

}  // namespace serendip
