#include "simulator/experiment_results.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/check.h"
#include "simulator/claims.h"
#include "simulator/cohort.h"
#include "simulator/experiment_files.h"

namespace serendip {
namespace {

using nlohmann::json;

constexpr int64_t kPaperClusters = 761, kLeast = 20, kMost = 200, kStep = 20;  // of UCI@N

class Results {
 public:
  Results(const ExperimentSettings& settings, const std::vector<json>& files)
      : settings_(settings), options_(settings.experiment), arms_(parse_arms(options_)) {
    for (const json& file : files) worlds_.push_back(parse_world(file));
  }

  json all() {
    const Cohort main = cohort("main", options_.control);
    json result = {{"parameters", parameters(main)}};
    for (const ArmSpec& arm : arms_) add_arm(arm, result);
    result["phase_diagram"] = phase_diagram();
    claim_at_rho_0(main);
    claim_where_all_is_known(main);
    judge(claims_);
    result["claims"] = json::array();
    for (const Claim& claim : claims_) result["claims"].push_back(to_json(claim));
    return result;
  }

 private:
  // The worlds of a part in which the arm took part; of the grid, those of one gamma.
  Cohort cohort(const std::string& part, const std::string& arm, const double* gamma = nullptr) {
    std::vector<const LivedWorld*> of;
    for (const LivedWorld& world : worlds_)
      if (world.part == part && world.arms.contains(arm) && (!gamma || world.gamma == *gamma))
        of.push_back(&world);
    return {of, static_cast<uint64_t>(settings_.world.seed)};
  }

  static Effect over(const Cohort& cohort, const char* metric, const std::string& arm,
                     const std::string& other) {
    const OutcomeMetric& of = outcome_metric(metric);
    return cohort.bootstrap().difference(cohort.ratio(arm, of), cohort.ratio(other, of));
  }
  static Effect level(const Cohort& cohort, const char* metric, const std::string& arm) {
    return cohort.bootstrap().level(cohort.ratio(arm, outcome_metric(metric)));
  }
  bool has(const std::string& name) const {
    return std::any_of(arms_.begin(), arms_.end(), [&](const auto& it) { return it.name == name; });
  }
  // Arms that plan in the language of interests, of which the paper claims something.
  static bool plans(const ArmSpec& arm) {
    return (arm.policy == ArmPolicy::kLanguage && arm.accuracy > 0) ||
           arm.policy == ArmPolicy::kTable || arm.policy == ArmPolicy::kCounts;
  }

  json parameters(const Cohort& main) const {
    int64_t interactions = 0;
    double seconds = 0;
    for (const LivedWorld& world : worlds_) {
      interactions += world.interactions;
      seconds += world.arm_seconds;
    }
    return {{"worlds", options_.worlds},
            {"users_a_world", settings_.world.users},
            {"items", settings_.world.items},
            {"topics", settings_.world.topics},
            {"clusters", main.worlds().front()->clusters},
            {"days_before", settings_.world.days},
            {"days", options_.days},
            {"retrain_every", options_.retrain_every},
            {"places", options_.places},
            {"gamma", settings_.world.gamma},
            {"control", options_.control},
            {"bandit", options_.bandit},
            {"hybrid", options_.hybrid},
            {"margin", options_.margin},
            {"resampled", main.bootstrap().by_world() ? "worlds" : "users"},
            {"interactions", interactions},
            {"interactions_per_second_and_thread",
             std::round(static_cast<double>(interactions) / std::max(seconds, 1e-9))},
            {"recipe", experiment_recipe(settings_)}};
  }

  void add_arm(const ArmSpec& arm, json& result) {
    const Cohort of = cohort("main", arm.name);
    json& entry = result["arms"][arm.name];
    entry = {{"policy", arm.policy_name}, {"worlds", of.world_count()}};
    for (const OutcomeMetric& metric : outcome_metrics()) {
      entry["levels"][metric.name] = to_json(level(of, metric.name.c_str(), arm.name));
      entry["over_control"][metric.name] =
          to_json(over(of, metric.name.c_str(), arm.name, options_.control));
    }
    if (has(options_.bandit)) add_novelty_against_quality(arm, of, result);
    add_clusters_engaged(arm, of, result);
    add_days(arm, of, result);
    if (!plans(arm)) return;
    claim("5", "5_watch_time", arm, "more is watched than in the control",
          over(of, "watch_minutes", arm.name, options_.control));
    claim("5", "5_active_users", arm, "more user-days of at least 10 minutes than in the control",
          over(of, "active", arm.name, options_.control));
  }

  // A figure's claims about all arms are a family.
  void claim(const char* figure, const char* name, const ArmSpec& arm, const char* statement,
             const Effect& effect) {
    claims_.push_back({figure, name, arm.name, statement, positive(effect), effect});
  }

  void add_novelty_against_quality(const ArmSpec& arm, const Cohort& of, json& result) {
    const Effect novelty = over(of, "explored_novelty", arm.name, options_.bandit);
    const Effect quality = over(of, "explored_quality", arm.name, options_.bandit);
    result["figure_4b"].push_back(
        {{"arm", arm.name}, {"novelty", to_json(novelty)}, {"quality", to_json(quality)}});
    if (!plans(arm)) return;
    claim("4b", "4b_novelty", arm, "its own places show more novel items than the bandit's",
          novelty);
    claim("4b", "4b_quality", arm, "its own places show more liked items than the bandit's",
          quality);
  }

  // UCI@N, N of the paper's 761 clusters, scaled to this tree's.
  void add_clusters_engaged(const ArmSpec& arm, const Cohort& of, json& result) {
    const int64_t clusters = of.worlds().front()->clusters;
    struct Reading {
      const char *name, *text;
      bool (*meets)(int64_t engaged, int64_t n);
      std::vector<Effect> effects = {}, levels = {};
    };
    std::vector<Reading> readings = {
        {"exactly", "exactly", [](int64_t engaged, int64_t n) { return engaged == n; }},
        {"at_least", "at least", [](int64_t engaged, int64_t n) { return engaged >= n; }}};
    std::vector<int64_t> counts;
    for (int64_t n = kLeast; n <= kMost; n += kStep)
      counts.push_back(std::max<int64_t>(1, (n * clusters + kPaperClusters / 2) / kPaperClusters));
    for (Reading& reading : readings)
      for (const int64_t n : counts) {
        const auto meets = [&](const UserOutcome& user) {
          return reading.meets(user.clusters_engaged, n) ? 1.0 : 0.0;
        };
        const auto one = [](const UserOutcome&) { return 1.0; };
        const UserRatio ratio = of.ratio(arm.name, meets, one);
        reading.levels.push_back(of.bootstrap().level(ratio));
        reading.effects.push_back(
            of.bootstrap().difference(ratio, of.ratio(options_.control, meets, one)));
      }
    for (const Reading& reading : readings) {
      std::vector<double> p_values;
      for (const Effect& effect : reading.effects) p_values.push_back(effect.p_value);
      const std::vector<double> adjusted = holm(p_values);
      for (size_t at = 0; at < counts.size(); ++at)
        result["figure_4c"].push_back({{"arm", arm.name},
                                       {"reading", reading.name},
                                       {"n", counts[at]},
                                       {"n_of_761", kLeast + static_cast<int64_t>(at) * kStep},
                                       {"users", to_json(reading.levels[at])},
                                       {"over_control", to_json(reading.effects[at])},
                                       {"p_holm", adjusted[at]}});
      if (!plans(arm)) continue;
      const auto least =
          std::min_element(reading.effects.begin(), reading.effects.end(),
                           [](const Effect& a, const Effect& b) { return a.low < b.low; });
      claims_.push_back({"4c", fmt::format("4c_{}", reading.name), arm.name,
                         fmt::format("more users than in the control liked {} N clusters, at every "
                                     "N (effect: the least sure N)",
                                     reading.text),
                         all_positive(reading.effects), *least});
    }
  }

  void add_days(const ArmSpec& arm, const Cohort& of, json& result) {
    const auto one = [](const UserOutcome&) { return 1.0; };
    for (int64_t day = 0; day < options_.days; ++day) {
      const auto at = static_cast<size_t>(day);
      const auto minutes = [at](const UserOutcome& user) { return user.watch_seconds[at] / 60.0; };
      const auto active = [at](const UserOutcome& user) {
        return user.watch_seconds[at] >= kActiveSeconds ? 1.0 : 0.0;
      };
      const auto both = [&](const auto& of_user) {
        const UserRatio ratio = of.ratio(arm.name, of_user, one);
        return json{{"level", to_json(of.bootstrap().level(ratio))},
                    {"over_control", to_json(of.bootstrap().difference(
                                         ratio, of.ratio(options_.control, of_user, one)))}};
      };
      result["figure_5"].push_back({{"arm", arm.name},
                                    {"day", day},
                                    {"watch_minutes", both(minutes)},
                                    {"active", both(active)}});
    }
  }

  json phase_diagram() {
    json cells = json::array();
    for (const double gamma : options_.grid_gamma) {
      if (options_.grid_worlds == 0) break;
      const Cohort of = cohort("grid", options_.control, &gamma);
      const double control = level(of, "watch_minutes", options_.control).value;
      for (const double accuracy : options_.grid_accuracy) {
        const std::string arm = fmt::format("rho_{}", accuracy);
        cells.push_back(
            {{"accuracy", accuracy},
             {"gamma", gamma},
             {"worlds", of.world_count()},
             {"control_minutes", control},
             {"watch_minutes", to_json(over(of, "watch_minutes", arm, options_.control))},
             {"interests_found", to_json(over(of, "interests_found", arm, options_.control))}});
      }
    }
    return cells;
  }

  void claim_at_rho_0(const Cohort& main) {
    const double margin = options_.margin * level(main, "watch_minutes", options_.control).value;
    for (const ArmSpec& arm : arms_) {
      if (arm.policy != ArmPolicy::kLanguage || arm.accuracy > 0) continue;
      const Effect effect = over(main, "watch_minutes", arm.name, options_.control);
      const char *no_advantage = "no_advantage_at_rho_0", *is_equivalent = "equivalent_at_rho_0";
      claims_.push_back({no_advantage, no_advantage, arm.name,
                         "without knowledge of what is related, watch time is not above the "
                         "control's by the margin",
                         below(effect, margin), effect, margin});
      claims_.push_back({is_equivalent, is_equivalent, arm.name,
                         "without knowledge of what is related, watch time is the control's "
                         "within the margin",
                         equivalent(effect, margin), effect, margin});
    }
  }

  // The hybrid's advantage in the world where nothing tires and all is known, less that in the
  // recipe's world. The worlds apart: standard errors add as independent ones.
  void claim_where_all_is_known(const Cohort& main) {
    const bool lived = std::any_of(worlds_.begin(), worlds_.end(),
                                   [](const LivedWorld& it) { return it.part == "known"; });
    if (!lived) return;
    const Cohort known = cohort("known", options_.control);
    const Effect there = over(known, "watch_minutes", options_.hybrid, options_.control);
    const Effect here = over(main, "watch_minutes", options_.hybrid, options_.control);
    Effect change;
    change.value = here.value - there.value;
    change.standard_error = std::hypot(here.standard_error, there.standard_error);
    change.degrees_of_freedom = std::min(here.degrees_of_freedom, there.degrees_of_freedom);
    const double reach = student_critical(0.05, change.degrees_of_freedom) * change.standard_error;
    change.low = change.value - reach;
    change.high = change.value + reach;
    if (change.standard_error > 0)
      change.p_value =
          student_two_sided(change.value / change.standard_error, change.degrees_of_freedom);
    const char* shrinks = "shrinks_where_all_is_known";
    claims_.push_back({shrinks, shrinks, options_.hybrid,
                       "without satiation and with all interests known, the advantage in watch "
                       "time is smaller",
                       positive(change), change});
  }

  const ExperimentSettings& settings_;
  const ExperimentOptions& options_;
  std::vector<ArmSpec> arms_;
  std::vector<LivedWorld> worlds_;
  std::vector<Claim> claims_;
};

}  // namespace

json experiment_results(const ExperimentSettings& settings, const std::vector<json>& worlds) {
  return Results(settings, worlds).all();
}

json experiment_figures(const json& results) {
  const json& parameters = results.at("parameters");
  json figures = {
      {"worlds", parameters.at("worlds")},
      {"users_a_world", parameters.at("users_a_world")},
      {"arms", results.at("arms").size()},
      {"interactions", parameters.at("interactions")},
      {"interactions_per_second_and_thread", parameters.at("interactions_per_second_and_thread")}};
  for (const json& claim : results.at("claims"))
    figures["claims"][claim.at("claim").get<std::string>() + " " +
                      claim.at("arm").get<std::string>()] = claim.at("verdict");
  return figures;
}

}  // namespace serendip
