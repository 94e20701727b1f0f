#include "simulator/claims.h"

namespace serendip {
namespace {

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

Verdict decide(bool holds, bool fails) {
  if (holds) return Verdict::kHolds;
  return fails ? Verdict::kDoesNotHold : Verdict::kNotDecided;
}

}  // namespace

nlohmann::json to_json(const Effect& effect) {
  return {{"value", effect.value}, {"low", effect.low},
          {"high", effect.high},   {"standard_error", effect.standard_error},
          {"p", effect.p_value},   {"detectable", effect.detectable()}};
}

nlohmann::json to_json(const Claim& claim) {
  return {{"claim", claim.name},
          {"arm", claim.subject},
          {"statement", claim.statement},
          {"verdict", text_of(claim.verdict)},
          {"effect", to_json(claim.effect)},
          {"margin", claim.margin}};
}

Verdict is_positive(const Effect& effect) { return decide(effect.low > 0, effect.high < 0); }

Verdict all_positive(const std::vector<Effect>& effects) {
  std::vector<double> p_values;
  for (const Effect& effect : effects) p_values.push_back(effect.p_value);
  const std::vector<double> adjusted = holm(p_values);
  bool holds = !effects.empty(), fails = false;
  for (size_t at = 0; at < effects.size(); ++at) {
    const bool sure = adjusted[at] < 0.05;
    holds = holds && sure && effects[at].value > 0;
    fails = fails || (sure && effects[at].value < 0);
  }
  return decide(holds, fails);
}

Verdict is_equivalent(const Effect& effect, double margin) {
  return decide(equivalence_p_value(effect, margin) < 0.05,
                effect.low > margin || effect.high < -margin);
}

Verdict is_below(const Effect& effect, double margin) {
  const double one_sided = student_critical(0.10, effect.degrees_of_freedom);
  return decide(effect.value + one_sided * effect.standard_error<margin, effect.low> margin);
}

}  // namespace serendip
