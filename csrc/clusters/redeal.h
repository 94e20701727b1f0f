// The last resort of balance: two parts' items dealt out again, which always succeeds.
#pragma once

#include "clusters/partition_state.h"

namespace serendip {

// Deals the items of two parts, heaviest first, two at a time, one to each, so that item counts
// differ by at most 1 and weights by at most the heaviest item; within that items stay where they
// are more linked. First pairs parts short of items with those that have most, then those off their
// weight with the lightest or heaviest, until all bounds hold. All parts must have the same bounds.
// It ends with every bound kept whenever upper > average + (1 - 1 / parts) · heaviest, lower <
// average - (1 - 1 / parts) · heaviest, and there are parts · min_items items; returns whether.
bool redeal(PartitionState& state);

}  // namespace serendip
