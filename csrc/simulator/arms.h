// The arms of an experiment, as a recipe declares them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulator/experiment_options.h"

namespace serendip {

enum class ArmPolicy {
  kSequence,   // the arm's sequence model
  kReinforce,  // one trained by top-K REINFORCE, rewards of novel clusters times `boost`
  kTwoTower,
  kBandit,    // a hierarchical bandit picks the cluster, the sequence model the item
  kLanguage,  // the stand-in for a language model picks it
  kTable,     // a pair table picks it
  kCounts,    // transition counts pick it
  kKeyword,   // the stand-in picks it, keyword search for its description the item
  kPopularity,
  kRandom
};

struct ArmSpec {
  std::string name;
  ArmPolicy policy = ArmPolicy::kSequence;
  std::string policy_name;
  double accuracy = 0.5;  // of the stand-in: how often it names a related topic
  double boost = 4;
  std::string path;      // of the table; {seed} stands for the world's seed
  int64_t luck = 0;      // arms of equal luck share every draw
  int64_t explored = 1;  // places of a page that the policy chooses

  // Whether the page's other places, or the policy itself, need the sequence model.
  bool needs_sequence_model(int64_t places) const;
  std::string table(int64_t world_seed) const;
  // Of a world's number: a table without {seed} belongs to the first alone.
  bool takes_part(int64_t world) const;
};

// Throws Error naming the line for two arms of one name, an unknown policy or parameter, a value
// out of range, and names in options.control that no arm has.
std::vector<ArmSpec> parse_arms(const ExperimentOptions& options);

}  // namespace serendip
