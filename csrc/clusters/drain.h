// Moving items out of one part or into one part, cheapest first.
#pragma once

#include <functional>

#include "clusters/partition_state.h"

namespace serendip {

// May this item go to that part?
using Admits = std::function<bool(int32_t item, int32_t to)>;

// All of them count a move's cost as the cut it adds per unit of weight by which it helps; ties by
// item. The part itself never falls below its lower bounds, nor does a part that gives.

// Items of `from` to parts they are linked to and that admit them, until no excess is left.
void shed_border(PartitionState& state, int32_t from, const Admits& admits);
// Any items of `from` to the lightest part that can take them.
void shed_anywhere(PartitionState& state, int32_t from);
// Items linked to `into` from other parts, then any items of the fullest parts, until its weight
// and its number of items reach their lower bounds.
void fill(PartitionState& state, int32_t into);

}  // namespace serendip
