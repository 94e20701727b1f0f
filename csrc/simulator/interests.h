// Ways of naming a user's next interest, a cluster new to them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "simulator/diversion.h"

namespace serendip {

// A cluster that the user has not met; none where the planner has nothing to say. `random` is the
// planner's own. The diversion must outlive the planner.
using InterestPlanner = std::function<std::optional<int32_t>(const ArmUser& user, Random& random)>;

// Labels of a context, the best first; empty where it has none.
using LabelsOf = std::function<std::vector<int32_t>(std::span<const int32_t> context)>;

// Stands in for a language model that knows how interests are related. With probability `accuracy`
// it names a topic that is truly related (by any link, hidden ones too) to the main topic of one of
// the context's clusters, drawn by the link's weight among those whose home the user has not met;
// otherwise, and where there is none, a cluster drawn evenly from all that the user has not met.
InterestPlanner stand_in_planner(const Diversion& diversion, double accuracy);

// The first label of the user's context that they have not met.
InterestPlanner label_planner(const Diversion& diversion, LabelsOf labels_of);

// By the incumbent's transitions: labels by count after the whole context, then by count after its
// last cluster, then by count.
LabelsOf labels_by_counts(const Diversion& diversion);

}  // namespace serendip
