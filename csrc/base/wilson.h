// How sure a share of n trials is.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace serendip {

// The 95% score interval of Wilson (1927) of a share of `count` independent trials, count > 0.
inline std::pair<double, double> wilson_interval(double share, int64_t count) {
  constexpr double kZ = 1.959964;  // the normal distribution's 97.5th percentile
  const auto n = static_cast<double>(count);
  const double centre = (share + kZ * kZ / (2 * n)) / (1 + kZ * kZ / n);
  const double half =
      kZ / (1 + kZ * kZ / n) * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n));
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

}  // namespace serendip
