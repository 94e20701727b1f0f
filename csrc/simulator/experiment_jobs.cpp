#include <algorithm>

#include "base/check.h"
#include "simulator/experiment.h"

namespace serendip {
namespace {

ArmSpec stand_in(double accuracy, const ExperimentOptions& options) {
  ArmSpec arm;
  arm.name = fmt::format("rho_{}", accuracy);
  arm.policy = ArmPolicy::kLanguage;
  arm.policy_name = "language";
  arm.accuracy = accuracy;
  arm.explored = options.explored;
  return arm;
}

}  // namespace

std::vector<ExperimentJob> experiment_jobs(const ExperimentSettings& settings) {
  const ExperimentOptions& options = settings.experiment;
  const std::vector<ArmSpec> arms = parse_arms(options);
  std::vector<ExperimentJob> jobs;
  const auto add = [&](const char* part, int64_t world, double gamma, std::vector<ArmSpec> of) {
    std::erase_if(of, [&](const ArmSpec& arm) { return !arm.takes_part(world); });
    WorldOptions options_of = settings.world;
    options_of.seed += world;
    options_of.gamma = gamma;
    jobs.push_back({part, options_of, std::move(of)});
  };
  for (int64_t world = 0; world < options.worlds; ++world)
    add("main", world, settings.world.gamma, arms);

  const auto arm_named = [&](const std::string& name) {
    return *std::find_if(arms.begin(), arms.end(), [&](const auto& it) { return it.name == name; });
  };
  std::vector<ArmSpec> grid_arms = {arm_named(options.control)};
  for (const double accuracy : options.grid_accuracy)
    grid_arms.push_back(stand_in(accuracy, options));
  for (const double gamma : options.grid_gamma)
    for (int64_t world = 0; world < options.grid_worlds; ++world)
      add("grid", world, gamma, grid_arms);
  // A table fits no world but its own.
  const bool has_hybrid = std::any_of(arms.begin(), arms.end(), [&](const ArmSpec& it) {
    return it.name == options.hybrid && it.policy != ArmPolicy::kTable;
  });
  for (int64_t world = 0; has_hybrid && world < options.grid_worlds; ++world) {
    add("known", world, 0, {arm_named(options.control), arm_named(options.hybrid)});
    jobs.back().world.known_interests = 2 * settings.world.interests;  // more than anybody has
  }
  return jobs;
}

}  // namespace serendip
