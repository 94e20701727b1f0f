// Equal transitions gathered and counted.
#pragma once

#include <cstdint>
#include <vector>

#include "transitions/transitions.h"

namespace serendip {

// Rows ascending by context, then label; equal rows become one with the sum of their counts.
// context is [T, K], label and count [T].
TransitionSet count_rows(int64_t context_size, const std::vector<int32_t>& context,
                         const std::vector<int32_t>& label, const std::vector<int64_t>& count);

}  // namespace serendip
