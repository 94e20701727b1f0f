// Which users are for training, for choosing checkpoints and for the final report.
#pragma once

#include <string_view>

#include "base/hash.h"

namespace serendip {

enum class Split { kTrain, kDev, kTest };

// A stable hash of the user id: 10% dev, 10% test, the rest training (DESIGN: transitions).
inline Split split_of(std::string_view user_id) {
  switch (hash64(user_id) % 10) {
    case 0:
      return Split::kDev;
    case 1:
      return Split::kTest;
    default:
      return Split::kTrain;
  }
}

}  // namespace serendip
