// Recipe section "experiment": arms that live in the same worlds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/options.h"

namespace serendip {

struct ExperimentOptions {
  int64_t worlds = 20;
  int64_t days = 14;          // after those of world.days
  int64_t retrain_every = 7;  // days
  int64_t places = 4;         // a page
  int64_t explored = 1;       // of them, the arm's policy chooses
  std::vector<std::string> arms = {"control: sequence",
                                   "a_a: sequence luck=1",
                                   "hybrid: language accuracy=0.5",
                                   "hybrid_rho_0: language accuracy=0",
                                   "counts: counts",
                                   "novelty_boosted: reinforce boost=4",
                                   "two_tower: two_tower",
                                   "bandit: bandit",
                                   "keyword: keyword accuracy=0.5",
                                   "popularity: popularity",
                                   "random: random"};
  std::string control = "control", bandit = "bandit", hybrid = "hybrid";
  double margin = 0.02;
  int64_t grid_worlds = 5;
  std::vector<double> grid_accuracy = {0, 0.25, 0.5, 0.75, 1};
  std::vector<double> grid_gamma = {0, 0.2, 0.4};

  void declare(OptionSet& set);
};

}  // namespace serendip
