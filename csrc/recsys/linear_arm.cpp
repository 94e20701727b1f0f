#include "recsys/linear_arm.h"

#include <cmath>
#include <numeric>
#include <utility>

namespace serendip {
namespace {

double dot(std::span<const double> left, std::span<const double> right) {
  return std::inner_product(left.begin(), left.end(), right.begin(), 0.0);
}

}  // namespace

LinearArm::LinearArm(int64_t dimensions, double ridge)
    : inverse_(static_cast<size_t>(dimensions * dimensions)),
      sum_(static_cast<size_t>(dimensions)),
      coefficients_(static_cast<size_t>(dimensions)) {
  for (size_t at = 0; at < inverse_.size(); at += sum_.size() + 1) inverse_[at] = 1.0 / ridge;
}

LinearArm::LinearArm(std::vector<double> inverse, std::vector<double> sum)
    : inverse_(std::move(inverse)), sum_(std::move(sum)), coefficients_(product(sum_)) {}

std::vector<double> LinearArm::product(std::span<const double> context) const {
  std::vector<double> result;
  for (size_t row = 0; row < sum_.size(); ++row)
    result.push_back(dot(std::span(inverse_).subspan(row * sum_.size(), sum_.size()), context));
  return result;
}

double LinearArm::upper_bound(std::span<const double> context, double exploration) const {
  const double variance = dot(product(context), context);
  return dot(coefficients_, context) + exploration * std::sqrt(std::max(variance, 0.0));
}

void LinearArm::update(std::span<const double> context, double reward) {
  const std::vector<double> direction = product(context);
  const double denominator = 1.0 + dot(direction, context);
  const size_t dimensions = sum_.size();
  for (size_t row = 0; row < dimensions; ++row) {
    sum_[row] += reward * context[row];
    for (size_t column = 0; column < dimensions; ++column)
      inverse_[row * dimensions + column] -= direction[row] * direction[column] / denominator;
  }
  coefficients_ = product(sum_);
}

}  // namespace serendip
