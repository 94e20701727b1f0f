// The novel interests that a run's pair table has for a user.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/recipe.h"
#include "infer/interest_lookup.h"
#include "recsys/policy.h"

namespace serendip {

// The run's table over its tree, which must outlive the look-up. Throws Error for a table of other
// descriptions.
InterestLookup load_interests(const Recipe& recipe, const ClusterTree& tree);

struct InterestChoice {
  int64_t count = 1;   // novel interests of a user to search in
  bool drawn = false;  // in proportion to their probability, by `seed`; else the best
  int64_t seed = 1;
};

// Adds --interests and --drawn.
void add_interest_choice(CLI::App& command, InterestChoice& choice);

// The look-up must outlive it.
ClustersFor clusters_for(const InterestLookup& lookup, const InterestChoice& choice);

}  // namespace serendip
