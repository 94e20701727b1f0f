// The paper's claims as tests that may fail.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "simulator/effects.h"

namespace serendip {

enum class Verdict { kHolds, kDoesNotHold, kNotDecided };

struct Claim {
  std::string name, subject, statement;  // subject: the arm
  Verdict verdict = Verdict::kNotDecided;
  Effect effect;      // what was tested
  double margin = 0;  // of it, in its units; 0 where the test has none
};

nlohmann::json to_json(const Effect& effect);
nlohmann::json to_json(const Claim& claim);

// Holds where the 95% interval lies above 0, does not where it lies below.
Verdict is_positive(const Effect& effect);
// Holds where all of a family are positive at 5% after Holm's correction; does not where any is
// negative at 5% after it.
Verdict all_positive(const std::vector<Effect>& effects);
// Holds where two one-sided tests at 5% put the value within ±margin; does not where the 95%
// interval lies outside.
Verdict is_equivalent(const Effect& effect, double margin);
// Holds where the value is below the margin at 5%, one-sided; does not where the 95% interval lies
// above it.
Verdict is_below(const Effect& effect, double margin);

}  // namespace serendip
