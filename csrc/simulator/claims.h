// The paper's claims as tests that may fail.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "simulator/effects.h"

namespace serendip {

enum class Verdict { kHolds, kDoesNotHold, kNotDecided };

// Which way an effect points, and how often chance alone would point there as clearly.
struct Evidence {
  bool for_claim = false;
  double p_value = 1;
};

struct Claim {
  std::string family;                    // claims that are corrected together
  std::string name, subject, statement;  // subject: the arm
  Evidence evidence;
  Effect effect = {};  // what was tested
  double margin = 0;   // of it, in its units; 0 where the test has none
  // What `judge` fills in:
  double p_holm = 1;
  Verdict verdict = Verdict::kNotDecided;
};

nlohmann::json to_json(const Effect& effect);
nlohmann::json to_json(const Claim& claim);

// That the value is above 0; two-sided.
Evidence positive(const Effect& effect);
// That all of a family are. For: the greatest of the p-values after Holm's correction. Against,
// where any is not above 0: the least of those below.
Evidence all_positive(const std::vector<Effect>& effects);
// That the value is within ±margin: two one-sided tests. Against: two-sided, from the nearer end.
Evidence equivalent(const Effect& effect, double margin);
// That the value is below the margin: one-sided. Against: two-sided.
Evidence below(const Effect& effect, double margin);

// Corrects each family by Holm's method. A claim holds, or does not, where its corrected p-value is
// below 5%.
void judge(std::vector<Claim>& claims);

}  // namespace serendip
