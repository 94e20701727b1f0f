#include "simulator/effects.h"

#include <algorithm>
#include <array>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/random.h"

namespace serendip {
namespace {

double ratio_of(double numerator, double denominator) {
  return denominator == 0 ? 0 : numerator / denominator;
}

}  // namespace

Bootstrap::Bootstrap(const std::vector<int64_t>& world, uint64_t seed) {
  SERENDIP_CHECK(world.size() >= 2, "bootstrap: expected at least 2 users, got {}", world.size());
  std::vector<int64_t> first = {0};  // user of each world, and the end
  for (size_t user = 1; user < world.size(); ++user)
    if (world[user] != world[user - 1]) first.push_back(static_cast<int64_t>(user));
  const auto worlds = static_cast<int64_t>(first.size());
  first.push_back(static_cast<int64_t>(world.size()));
  by_world_ = worlds >= kFewestWorlds;
  units_ = by_world_ ? worlds : static_cast<int64_t>(world.size());
  degrees_of_freedom_ =
      std::max<int64_t>(1, by_world_ ? worlds - 1 : static_cast<int64_t>(world.size()) - worlds);
  unit_.resize(world.size());
  for (int64_t w = 0; w < worlds; ++w)
    for (int64_t user = first[static_cast<size_t>(w)]; user < first[static_cast<size_t>(w) + 1];
         ++user)
      unit_[static_cast<size_t>(user)] = by_world_ ? w : user;

  const std::vector<int64_t> strata = by_world_ ? std::vector<int64_t>{0, worlds} : first;
  times_.resize(static_cast<size_t>(kReplicates * units_));
  for (int64_t replicate = 0; replicate < kReplicates; ++replicate) {
    Random random(seed, static_cast<uint64_t>(replicate));
    for (size_t s = 0; s + 1 < strata.size(); ++s) {
      const int64_t size = strata[s + 1] - strata[s];
      for (int64_t drawn = 0; drawn < size; ++drawn) {
        const auto unit =
            strata[s] + static_cast<int64_t>(random.below(static_cast<uint64_t>(size)));
        ++times_[static_cast<size_t>(replicate * units_ + unit)];
      }
    }
  }
}

std::vector<double> Bootstrap::summed(const std::vector<double>& by_user) const {
  SERENDIP_CHECK(by_user.size() == unit_.size(), "bootstrap: expected {} users, got {}",
                 unit_.size(), by_user.size());
  std::vector<double> sums(static_cast<size_t>(units_));
  for (size_t user = 0; user < by_user.size(); ++user)
    sums[static_cast<size_t>(unit_[user])] += by_user[user];
  return sums;
}

Effect Bootstrap::level(const UserRatio& ratio) const { return effect(ratio, nullptr); }

Effect Bootstrap::difference(const UserRatio& ratio, const UserRatio& from) const {
  return effect(ratio, &from);
}

Effect Bootstrap::effect(const UserRatio& ratio, const UserRatio* from) const {
  std::vector<std::vector<double>> sums = {summed(ratio.numerator), summed(ratio.denominator)};
  if (from != nullptr) {
    sums.push_back(summed(from->numerator));
    sums.push_back(summed(from->denominator));
  }
  const auto value_of = [&](const auto& times) {
    std::array<double, 4> total{};
    for (size_t part = 0; part < sums.size(); ++part)
      for (size_t unit = 0; unit < sums[part].size(); ++unit)
        total[part] += times(unit) * sums[part][unit];
    return ratio_of(total[0], total[1]) - ratio_of(total[2], total[3]);
  };
  Effect effect;
  effect.value = value_of([](size_t) { return 1.0; });
  effect.degrees_of_freedom = degrees_of_freedom_;
  double sum = 0, squares = 0;
  for (int64_t replicate = 0; replicate < kReplicates; ++replicate) {
    const uint16_t* times = &times_[static_cast<size_t>(replicate * units_)];
    const double off =
        value_of([&](size_t unit) { return static_cast<double>(times[unit]); }) - effect.value;
    sum += off;
    squares += off * off;
  }
  const auto replicates = static_cast<double>(kReplicates);
  double variance = std::max(0.0, (squares - sum * sum / replicates) / (replicates - 1));
  // A bootstrap's variance lacks the factor n / (n - 1) of the units drawn.
  if (by_world_) variance *= static_cast<double>(units_) / static_cast<double>(units_ - 1);
  effect.standard_error = std::sqrt(variance);
  const double reach = student_critical(0.05, degrees_of_freedom_) * effect.standard_error;
  effect.low = effect.value - reach;
  effect.high = effect.value + reach;
  if (effect.standard_error > 0)
    effect.p_value = student_two_sided(effect.value / effect.standard_error, degrees_of_freedom_);
  return effect;
}

double student_two_sided(double t, int64_t degrees_of_freedom) {
  const boost::math::students_t distribution(static_cast<double>(degrees_of_freedom));
  return 2 * boost::math::cdf(boost::math::complement(distribution, std::abs(t)));
}

double student_critical(double p, int64_t degrees_of_freedom) {
  const boost::math::students_t distribution(static_cast<double>(degrees_of_freedom));
  return boost::math::quantile(boost::math::complement(distribution, p / 2));
}

std::vector<double> holm(const std::vector<double>& p_values) {
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double highest = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const auto remaining = static_cast<double>(order.size() - rank);
    highest = std::max(highest, std::min(1.0, remaining * p_values[order[rank]]));
    adjusted[order[rank]] = highest;
  }
  return adjusted;
}

double equivalence_p_value(const Effect& effect, double margin) {
  const double distance = margin - std::abs(effect.value);  // to the nearer margin
  if (effect.standard_error == 0) return distance > 0 ? 0 : 1;
  const double half =
      student_two_sided(distance / effect.standard_error, effect.degrees_of_freedom) / 2;
  return distance > 0 ? half : 1 - half;
}

}  // namespace serendip
