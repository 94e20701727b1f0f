#include "simulator/outcomes.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace serendip {
namespace {

using Count = int32_t UserOutcome::*;

const std::vector<std::pair<const char*, Count>>& counts() {
  static const std::vector<std::pair<const char*, Count>> kCounts = {
      {"impressions", &UserOutcome::impressions},
      {"satisfied", &UserOutcome::satisfied},
      {"novel", &UserOutcome::novel},
      {"positive_novel", &UserOutcome::positive_novel},
      {"explored", &UserOutcome::explored},
      {"explored_satisfied", &UserOutcome::explored_satisfied},
      {"explored_novel", &UserOutcome::explored_novel},
      {"explored_positive_novel", &UserOutcome::explored_positive_novel},
      {"clusters_engaged", &UserOutcome::clusters_engaged},
      {"interests_found", &UserOutcome::interests_found}};
  return kCounts;
}

template <Count count>
double of(const UserOutcome& user) {
  return user.*count;
}
double one(const UserOutcome&) { return 1; }
double days(const UserOutcome& user) { return static_cast<double>(user.watch_seconds.size()); }
double minutes(const UserOutcome& user) {
  return std::accumulate(user.watch_seconds.begin(), user.watch_seconds.end(), 0.0) / 60;
}
double active_days(const UserOutcome& user) {
  return static_cast<double>(
      std::count_if(user.watch_seconds.begin(), user.watch_seconds.end(),
                    [](int32_t seconds) { return seconds >= kActiveSeconds; }));
}

}  // namespace

const std::vector<OutcomeMetric>& outcome_metrics() {
  using U = UserOutcome;
  static const std::vector<OutcomeMetric> kMetrics = {
      {"watch_minutes", "minutes watched a user-day", minutes, days},
      {"active", "user-days of at least 10 minutes", active_days, days},
      {"satisfied", "items liked a user-day", of<&U::satisfied>, days},
      {"quality", "items liked an impression", of<&U::satisfied>, of<&U::impressions>},
      {"novelty", "novel items an impression", of<&U::novel>, of<&U::impressions>},
      {"positive_novel", "novel items liked a user-day", of<&U::positive_novel>, days},
      {"explored_quality", "items liked an impression, of the policy's own places",
       of<&U::explored_satisfied>, of<&U::explored>},
      {"explored_novelty", "novel items an impression, of the policy's own places",
       of<&U::explored_novel>, of<&U::explored>},
      {"explored_positive_novel", "novel items liked an impression, of the policy's own places",
       of<&U::explored_positive_novel>, of<&U::explored>},
      {"clusters_engaged", "clusters liked a user", of<&U::clusters_engaged>, one},
      {"interests_found", "true interests become known a user", of<&U::interests_found>, one}};
  return kMetrics;
}

const OutcomeMetric& outcome_metric(const std::string& name) {
  const std::vector<OutcomeMetric>& all = outcome_metrics();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const OutcomeMetric& it) { return it.name == name; });
  SERENDIP_CHECK(found != all.end(), "no outcome metric '{}'", name);
  return *found;
}

nlohmann::json outcomes_to_json(const std::vector<UserOutcome>& outcomes) {
  nlohmann::json json = {{"watch_seconds", nlohmann::json::array()}};
  for (const UserOutcome& user : outcomes) json["watch_seconds"].push_back(user.watch_seconds);
  for (const auto& [name, count] : counts()) {
    json[name] = nlohmann::json::array();
    for (const UserOutcome& user : outcomes) json[name].push_back(user.*count);
  }
  return json;
}

std::vector<UserOutcome> outcomes_from_json(const nlohmann::json& json) {
  std::vector<UserOutcome> outcomes;
  for (const nlohmann::json& days_of : json.at("watch_seconds"))
    outcomes.emplace_back().watch_seconds = days_of.get<std::vector<int32_t>>();
  for (const auto& [name, count] : counts()) {
    const auto values = json.at(name).get<std::vector<int32_t>>();
    SERENDIP_CHECK(values.size() == outcomes.size(), "{}: expected {} users, got {}", name,
                   outcomes.size(), values.size());
    for (size_t user = 0; user < values.size(); ++user) outcomes[user].*count = values[user];
  }
  return outcomes;
}

}  // namespace serendip
