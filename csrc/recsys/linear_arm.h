// One arm of LinUCB (Li, Chu, Langford, Schapire 2010): ridge regression of rewards on contexts,
// kept up to date event by event.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace serendip {

class LinearArm {
 public:
  // A = ridge I, b = 0; ridge above 0.
  LinearArm(int64_t dimensions, double ridge);
  // One kept: A^-1 [d, d] and b [d].
  LinearArm(std::vector<double> inverse, std::vector<double> sum);

  // theta . x + exploration sqrt(x' A^-1 x), theta = A^-1 b; x [d].
  double upper_bound(std::span<const double> context, double exploration) const;
  // A += x x', b += reward x; A^-1 by the rank-one formula of Sherman and Morrison (1950).
  void update(std::span<const double> context, double reward);

  const std::vector<double>& inverse() const { return inverse_; }            // [d, d] A^-1
  const std::vector<double>& sum() const { return sum_; }                    // [d] b
  const std::vector<double>& coefficients() const { return coefficients_; }  // [d] theta

 private:
  std::vector<double> product(std::span<const double> context) const;  // A^-1 x

  std::vector<double> inverse_, sum_, coefficients_;  // A^-1, b, theta
};

}  // namespace serendip
