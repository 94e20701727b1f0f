#include "simulator/experiment_options.h"

#include <algorithm>

namespace serendip {
namespace {

Constraint<std::vector<double>> each_within(double low, double high) {
  return {[=](const std::vector<double>& values) {
            return std::all_of(values.begin(), values.end(),
                               [=](double value) { return low <= value && value <= high; });
          },
          "each " + within(low, high).text};
}

}  // namespace

void ExperimentOptions::declare(OptionSet& set) {
  set.add("worlds", worlds, "of seeds world.seed and up", at_least(int64_t{1}));
  set.add("days", days, "of every arm, after the incumbent's world.days",
          within(int64_t{1}, int64_t{10'000}));
  set.add("retrain_every", retrain_every, "days between trainings of an arm's models",
          at_least(int64_t{1}));
  set.add("places", places, "items of a page", within(int64_t{1}, int64_t{100}));
  set.add("explored", explored,
          "of them, that the arm's policy chooses; its sequence model the others",
          within(int64_t{0}, int64_t{100}));
  set.add("arms", arms,
          "\"name: policy key=value …\": sequence, reinforce (boost), two_tower, bandit, language "
          "(accuracy), table (path), counts, keyword (accuracy), popularity, random; all: luck, "
          "explored");
  set.add("control", control, "arm that others are compared with");
  set.add("bandit", bandit, "arm that novelty and quality are compared with");
  set.add("hybrid", hybrid, "arm that the claims are about");
  set.add("margin", margin, "of equivalence, as a share of the control's watch time", above(0.0));
  set.add("grid_worlds", grid_worlds, "worlds of each cell of the grid; 0 leaves it out",
          at_least(int64_t{0}));
  set.add("grid_accuracy", grid_accuracy, "of language arms in the grid", each_within(0, 1));
  set.add("grid_gamma", grid_gamma, "satiation in the grid", each_within(0, 1000));
}

}  // namespace serendip
