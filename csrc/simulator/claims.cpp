#include "simulator/claims.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace serendip {
namespace {

constexpr double kLevel = 0.05;

const char* text_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kHolds:
      return "holds";
    case Verdict::kDoesNotHold:
      return "does not hold";
    default:
      return "not decided";
  }
}

// Two-sided, of a true value at the other end of `distance`.
double p_value_at(double distance, const Effect& effect) {
  if (effect.standard_error == 0) return distance == 0 ? 1 : 0;
  return student_two_sided(distance / effect.standard_error, effect.degrees_of_freedom);
}

}  // namespace

nlohmann::json to_json(const Effect& effect) {
  return {{"value", effect.value}, {"low", effect.low},
          {"high", effect.high},   {"standard_error", effect.standard_error},
          {"p", effect.p_value},   {"detectable", effect.detectable()}};
}

nlohmann::json to_json(const Claim& claim) {
  return {{"claim", claim.name},
          {"family", claim.family},
          {"arm", claim.subject},
          {"statement", claim.statement},
          {"verdict", text_of(claim.verdict)},
          {"effect", to_json(claim.effect)},
          {"margin", claim.margin},
          {"p", claim.evidence.p_value},
          {"p_holm", claim.p_holm}};
}

Evidence positive(const Effect& effect) { return {effect.value > 0, effect.p_value}; }

Evidence all_positive(const std::vector<Effect>& effects) {
  std::vector<double> p_values;
  for (const Effect& effect : effects) p_values.push_back(effect.p_value);
  const std::vector<double> adjusted = holm(p_values);
  const bool all =
      !effects.empty() && std::all_of(effects.begin(), effects.end(),
                                      [](const Effect& effect) { return effect.value > 0; });
  Evidence evidence{all, all ? 0.0 : 1.0};
  for (size_t at = 0; at < effects.size(); ++at) {
    if (all) evidence.p_value = std::max(evidence.p_value, adjusted[at]);
    if (effects[at].value < 0) evidence.p_value = std::min(evidence.p_value, adjusted[at]);
  }
  return evidence;
}

Evidence equivalent(const Effect& effect, double margin) {
  const double beyond = std::abs(effect.value) - margin;
  if (beyond < 0) return {true, equivalence_p_value(effect, margin)};
  return {false, p_value_at(beyond, effect)};
}

Evidence below(const Effect& effect, double margin) {
  const double beyond = effect.value - margin;
  const double p_value = p_value_at(beyond, effect);
  return beyond < 0 ? Evidence{true, p_value / 2} : Evidence{false, p_value};
}

void judge(std::vector<Claim>& claims) {
  std::map<std::string, std::vector<Claim*>> families;
  for (Claim& claim : claims) families[claim.family].push_back(&claim);
  for (const auto& [name, family] : families) {
    std::vector<double> p_values;
    for (const Claim* claim : family) p_values.push_back(claim->evidence.p_value);
    const std::vector<double> adjusted = holm(p_values);
    for (size_t at = 0; at < family.size(); ++at) {
      Claim& claim = *family[at];
      claim.p_holm = adjusted[at];
      if (claim.p_holm < kLevel)
        claim.verdict = claim.evidence.for_claim ? Verdict::kHolds : Verdict::kDoesNotHold;
    }
  }
}

}  // namespace serendip
