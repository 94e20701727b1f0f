// What came of a user's days in an arm, and the figures made of it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace serendip {

struct UserOutcome {
  std::vector<int32_t> watch_seconds;  // [days] of everything, own choices too
  // Items that the platform chose:
  int32_t impressions = 0, satisfied = 0;
  int32_t novel = 0, positive_novel = 0;  // of a cluster that the user had not met
  // Of them, those at the places of the arm's policy:
  int32_t explored = 0, explored_satisfied = 0, explored_novel = 0, explored_positive_novel = 0;
  // At the end, of everything liked in these days:
  int32_t clusters_engaged = 0;  // distinct planning clusters
  int32_t interests_found = 0;   // topics truly liked of which the user became aware
};

constexpr int32_t kActiveSeconds = 600;  // a user-day of at least 10 minutes

// A ratio of sums over users, as Σ numerator / Σ denominator.
struct OutcomeMetric {
  std::string name, text;
  double (*numerator)(const UserOutcome&);
  double (*denominator)(const UserOutcome&);
};
const std::vector<OutcomeMetric>& outcome_metrics();
// Throws Error for a name that none has.
const OutcomeMetric& outcome_metric(const std::string& name);

// {"watch_seconds": [[days] by user], and each count: [users]}.
nlohmann::json outcomes_to_json(const std::vector<UserOutcome>& outcomes);
// Throws Error, or nlohmann's, for anything else.
std::vector<UserOutcome> outcomes_from_json(const nlohmann::json& json);

}  // namespace serendip
