#include "simulator/experiment.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <numeric>

#include "base/check.h"
#include "base/log.h"
#include "base/parallel_items.h"
#include "distributed/device.h"
#include "simulator/arm_life.h"
#include "simulator/experiment_files.h"
#include "simulator/experiment_results.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

InterestPlanner planner_of(const ExperimentSettings& settings, const Diversion& diversion,
                           const ArmSpec& arm) {
  switch (arm.policy) {
    case ArmPolicy::kLanguage:
    case ArmPolicy::kKeyword:
      return stand_in_planner(diversion, arm.accuracy);
    case ArmPolicy::kCounts:
      return label_planner(diversion, labels_by_counts(diversion));
    case ArmPolicy::kTable:
      return label_planner(diversion, settings.read_table(arm.table(diversion.world.options.seed),
                                                          diversion.tree.planning().description));
    default:
      return {};
  }
}

// The stages that a world goes through log for a run of one; here only what went wrong is of
// interest.
class QuietStages {
 public:
  QuietStages() : level_(spdlog::get_level()) {
    spdlog::set_level(std::max(level_, spdlog::level::warn));
  }
  ~QuietStages() { spdlog::set_level(level_); }
  QuietStages(const QuietStages&) = delete;
  QuietStages& operator=(const QuietStages&) = delete;

 private:
  spdlog::level::level_enum level_;
};

int64_t interactions_of(const nlohmann::json& arm) {
  const auto shown = arm.at("impressions").get<std::vector<int64_t>>();
  return std::accumulate(shown.begin(), shown.end(), int64_t{0});
}

}  // namespace

nlohmann::json run_job(const ExperimentSettings& settings, const ExperimentJob& job) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const Diversion diversion = divert(job.world, settings.cluster, settings.curate.rule());
  const ExperimentOptions& options = settings.experiment;
  const ArmSchedule schedule{options.days, options.retrain_every, options.places};
  std::map<int64_t, std::shared_ptr<const Recommender>> first;  // by luck: all begin with one log
  nlohmann::json arms = nlohmann::json::object();
  double living = 0;
  int64_t interactions = 0;
  for (const ArmSpec& arm : job.arms) {
    const Clock::time_point arm_start = Clock::now();
    ArmModels models(diversion, arm, settings.recommend, planner_of(settings, diversion, arm));
    if (arm.needs_sequence_model(options.places) && !first.contains(arm.luck))
      first[arm.luck] = ArmModels::train_sequence(diversion, models.options(), diversion.users);
    models.train(diversion.users,
                 arm.needs_sequence_model(options.places) ? first.at(arm.luck) : nullptr);
    arms[arm.name] = outcomes_to_json(live_in_arm(diversion, arm, schedule, models));
    living += std::chrono::duration<double>(Clock::now() - arm_start).count();
    interactions += interactions_of(arms[arm.name]);
  }
  return {{"part", job.part},
          {"seed", job.world.seed},
          {"gamma", job.world.gamma},
          {"users", job.world.users},
          {"clusters", diversion.cluster_count()},
          {"seconds", std::chrono::duration<double>(Clock::now() - start).count()},
          {"arm_seconds", living},
          {"interactions", interactions},
          {"arms", std::move(arms)}};
}

nlohmann::json run_experiment(const ExperimentSettings& settings, const fs::path& folder) {
  const std::vector<ExperimentJob> jobs = experiment_jobs(settings);
  JobFiles files(folder, settings);
  std::vector<int64_t> missing;
  for (size_t number = 0; number < jobs.size(); ++number)
    if (!files.has(number)) missing.push_back(static_cast<int64_t>(number));
  const auto logger = spdlog::default_logger()->clone("experiment");
  logger->info("{} of {} worlds to live through", missing.size(), jobs.size());
  {
    const QuietStages quiet;
    for_each_item(parallel_workers(at::kCPU), static_cast<int64_t>(missing.size()),
                  [&](int64_t, int64_t item) {
                    const auto number = static_cast<size_t>(missing[static_cast<size_t>(item)]);
                    const nlohmann::json result = run_job(settings, jobs[number]);
                    files.save(number, result);
                    logger->info("world {}: {}, seed {}, gamma {}, {} arms, {:.0f} s", number,
                                 jobs[number].part, jobs[number].world.seed,
                                 jobs[number].world.gamma, jobs[number].arms.size(),
                                 result.at("seconds").get<double>());
                  });
  }
  std::vector<nlohmann::json> worlds;
  for (size_t number = 0; number < jobs.size(); ++number) worlds.push_back(files.load(number));
  const nlohmann::json results = experiment_results(settings, worlds);
  files.save_results(results, experiment_summary(results));
  return experiment_figures(results);
}

}  // namespace serendip
