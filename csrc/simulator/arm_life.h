// The days of an arm: the diverted users, page by page, under the arm's policy.
#pragma once

#include <vector>

#include "simulator/arm_models.h"
#include "simulator/outcomes.h"

namespace serendip {

struct ArmSchedule {
  int64_t days = 14, retrain_every = 7;
  int64_t places = 4;  // items of a page
};

// What becomes of each of the diversion's users. A page is made at the start of a visit and when
// the last is used up: `arm.explored` places, drawn by user, day and page alone, are the policy's,
// the others the sequence model's. Arms of equal luck share every draw, so they differ by what is
// shown alone. Where nothing unseen is left, an item is shown again. `models` begin trained.
std::vector<UserOutcome> live_in_arm(const Diversion& diversion, const ArmSpec& arm,
                                     const ArmSchedule& schedule, ArmModels& models);

}  // namespace serendip
