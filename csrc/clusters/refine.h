// Bounded refinement of a partition: first the bounds, by the moves that cost the least cut, then
// the cut, by moves that keep the bounds.
#pragma once

#include "clusters/partition_state.h"

namespace serendip {

// Sends items out of parts above their upper bound: border items first, along chains of parts
// towards parts below their target, then any items to the lightest part. Then fills parts below
// their lower bounds with adjacent items, then with any. No move breaks a bound for good. Returns
// whether all bounds hold; where they do not, redeal() (redeal.h) finishes.
bool restore_bounds(PartitionState& state);

// Up to `passes` sweeps over the items, each moved to the part it is most linked to when the cut
// falls and the bounds keep holding.
void lower_cut(PartitionState& state, int passes);

// Up to `passes` of Fiduccia and Mattheyses 1982: the best move of all, even where the cut grows,
// each item once, until nothing is gained for a while; then back to the lowest cut met. Keeps
// bounds as lower_cut() does.
void climb(PartitionState& state, int passes);

}  // namespace serendip
