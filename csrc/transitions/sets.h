// The sets that models are trained and measured on, chosen from all transitions.
#pragma once

#include <cstdint>
#include <vector>

#include "transitions/transitions.h"

namespace serendip {

// What the balanced set lacks.
struct Coverage {
  std::vector<int32_t> short_labels;  // fewer than per_label contexts, but some
  std::vector<int32_t> no_labels;     // none
};

struct BalancedSet {
  TransitionSet set;  // ascending by label, then falling count, then context
  Coverage coverage;
};

// For each label in [0, clusters) the `per_label` contexts with the highest count, ties by context
// ids ascending; counts are those of `all`, which comes ascending by context, then label. Throws
// Error on a label out of range.
BalancedSet balanced_set(const TransitionSource& all, int64_t clusters, int64_t per_label);

// `size` occurrences drawn without replacement from the Σ count = `occurrences` of `all`, so that a
// transition counted n times is n times as likely to be drawn first. Equal ones are merged and
// `count` is how often each was drawn: the counts sum to `size`. Throws Error when there are fewer
// occurrences.
TransitionSet random_control(const TransitionSource& all, int64_t occurrences, int64_t size,
                             uint64_t seed);

}  // namespace serendip
