// The users of some worlds of an experiment, and the figures of their arms.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "simulator/effects.h"
#include "simulator/outcomes.h"

namespace serendip {

// A world lived through, parsed.
struct LivedWorld {
  std::string part;
  int64_t seed = 0, clusters = 0, interactions = 0;
  double gamma = 0, arm_seconds = 0;
  std::map<std::string, std::vector<UserOutcome>> arms;
};
LivedWorld parse_world(const nlohmann::json& world);

// The users of all `worlds`, one after the other, and what became of them in each arm. The worlds
// must outlive it.
class Cohort {
 public:
  // Throws Error where the worlds hold fewer than 2 users.
  Cohort(const std::vector<const LivedWorld*>& worlds, uint64_t seed);

  int64_t world_count() const { return static_cast<int64_t>(worlds_.size()); }
  const std::vector<const LivedWorld*>& worlds() const { return worlds_; }
  const Bootstrap& bootstrap() const { return bootstrap_; }

  // Of any number made of a user's outcome.
  template <typename Numerator, typename Denominator>
  UserRatio ratio(const std::string& arm, const Numerator& numerator,
                  const Denominator& denominator) const {
    UserRatio ratio;
    for (const LivedWorld* world : worlds_)
      for (const UserOutcome& user : world->arms.at(arm)) {
        ratio.numerator.push_back(numerator(user));
        ratio.denominator.push_back(denominator(user));
      }
    return ratio;
  }
  UserRatio ratio(const std::string& arm, const OutcomeMetric& metric) const {
    return ratio(arm, metric.numerator, metric.denominator);
  }

 private:
  std::vector<const LivedWorld*> worlds_;
  Bootstrap bootstrap_;
};

}  // namespace serendip
