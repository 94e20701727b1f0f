// How sure an experiment's figures are: bootstrap over worlds or users, t intervals, corrections.
#pragma once

#include <cstdint>
#include <vector>

namespace serendip {

// Σ numerator / Σ denominator over users, [U] each.
struct UserRatio {
  std::vector<double> numerator, denominator;
};

// A figure or the difference of two, with its 95% interval.
struct Effect {
  double value = 0;
  double standard_error = 0;
  double low = 0, high = 0;
  double p_value = 1;  // two-sided, of the value being 0
  int64_t degrees_of_freedom = 1;

  // What would be found in 80 of 100 experiments: 2.8 standard errors.
  double detectable() const { return 2.8 * standard_error; }
};

// The users of W worlds. Users of one world share its topics, items, clusters and models, so with
// 10 worlds or more these are what is drawn with replacement; with fewer, users are, each world
// keeping its number, and the result holds for these worlds alone. Paired: both arms of a
// difference have the same users, drawn together.
class Bootstrap {
 public:
  static constexpr int64_t kReplicates = 1000;
  static constexpr int64_t kFewestWorlds = 10;

  // world [U] of each user, ascending. Needs 2 users. Throws Error with fewer.
  Bootstrap(const std::vector<int64_t>& world, uint64_t seed);

  // The intervals are value ± t · standard error, whose degrees of freedom are the drawn units less
  // one (per world, where users are drawn).
  Effect level(const UserRatio& ratio) const;
  Effect difference(const UserRatio& ratio, const UserRatio& from) const;
  bool by_world() const { return by_world_; }

 private:
  Effect effect(const UserRatio& ratio, const UserRatio* from) const;
  std::vector<double> summed(const std::vector<double>& by_user) const;  // [units]

  std::vector<int64_t> unit_;  // [U]
  bool by_world_;
  int64_t units_, degrees_of_freedom_;
  std::vector<uint16_t> times_;  // [kReplicates, units] how often each was drawn
};

// Student's distribution: P(|T| ≥ |t|), and the t that |T| exceeds with probability `p`.
double student_two_sided(double t, int64_t degrees_of_freedom);
double student_critical(double p, int64_t degrees_of_freedom);

// Holm's step-down correction: p-values adjusted for their number.
std::vector<double> holm(const std::vector<double>& p_values);

// Two one-sided tests (Schuirmann 1987): the greater of both p-values of |value| ≥ margin.
double equivalence_p_value(const Effect& effect, double margin);

}  // namespace serendip
