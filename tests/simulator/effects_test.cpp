#include "simulator/effects.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/check.h"
#include "base/random.h"
#include "simulator/claims.h"

namespace serendip {
namespace {

// Tables of Student's distribution.
TEST(Student, HasTheTabulatedQuantiles) {
  EXPECT_NEAR(student_critical(0.05, 1), 12.706, 1e-3);
  EXPECT_NEAR(student_critical(0.05, 2), 4.303, 1e-3);
  EXPECT_NEAR(student_critical(0.05, 19), 2.093, 1e-3);
  EXPECT_NEAR(student_critical(0.10, 19), 1.729, 1e-3);
  EXPECT_NEAR(student_critical(0.05, 100'000), 1.960, 1e-3);
  for (const int64_t n : {1, 2, 3, 4, 19, 400}) {
    EXPECT_DOUBLE_EQ(student_two_sided(0, n), 1) << n;
    EXPECT_NEAR(student_two_sided(student_critical(0.3, n), n), 0.3, 1e-9) << n;
  }
}

// By hand: sorted .01 .02 .03 .5 times 4, 3, 2, 1, never falling.
TEST(Holm, StepsDown) {
  const std::vector<double> adjusted = holm({0.5, 0.01, 0.03, 0.02});
  EXPECT_DOUBLE_EQ(adjusted[1], 0.04);
  EXPECT_DOUBLE_EQ(adjusted[3], 0.06);
  EXPECT_DOUBLE_EQ(adjusted[2], 0.06);
  EXPECT_DOUBLE_EQ(adjusted[0], 0.5);
  EXPECT_TRUE(holm({}).empty());
}

// Of a claim that is alone in its family.
Verdict verdict(const Evidence& evidence) {
  std::vector<Claim> claims = {{"family", "claim", "arm", "", evidence}};
  judge(claims);
  return claims[0].verdict;
}

TEST(Equivalence, IsTheWorseOfTwoOneSidedTests) {
  Effect effect;
  effect.value = 0.1;
  effect.standard_error = 0.2;
  effect.degrees_of_freedom = 1'000'000;
  const double nearer = 0.5 * std::erfc((1 - 0.1) / 0.2 / std::sqrt(2.0));
  EXPECT_NEAR(equivalence_p_value(effect, 1), nearer, 1e-9);
  EXPECT_GT(equivalence_p_value(effect, 0.05), 0.5);  // outside
  EXPECT_EQ(verdict(equivalent(effect, 1)), Verdict::kHolds);
  EXPECT_EQ(verdict(equivalent(effect, 0.3)), Verdict::kNotDecided);
  EXPECT_EQ(verdict(equivalent(effect, 0.05)), Verdict::kNotDecided);  // outside, and unsure
  // 0.1 is 2.0 standard errors below 0.5, and 1.6 below 0.42: 1.645 decides, one-sided.
  EXPECT_NEAR(below(effect, 0.5).p_value, 0.02275, 1e-5);
  EXPECT_EQ(verdict(below(effect, 0.5)), Verdict::kHolds);
  EXPECT_EQ(verdict(below(effect, 0.42)), Verdict::kNotDecided);
  effect.standard_error = 0.02;  // 2.5 of them above 0.05: 0.0124 two-sided
  EXPECT_NEAR(equivalent(effect, 0.05).p_value, 0.01242, 1e-5);
  EXPECT_EQ(verdict(equivalent(effect, 0.05)), Verdict::kDoesNotHold);
  EXPECT_EQ(verdict(below(effect, 0.05)), Verdict::kDoesNotHold);
}

UserRatio means(const std::vector<double>& values) {
  return {values, std::vector<double>(values.size(), 1.0)};
}

struct Users {
  std::vector<int64_t> world;
  UserRatio one, other;
};

// `worlds` of 8 users whose mean is the world's own; `other` is another draw of the same.
Users draw_users(int64_t worlds, double between, uint64_t seed) {
  Users users;
  std::vector<double> one, other;
  Random random(seed, 77);
  for (int64_t world = 0; world < worlds; ++world) {
    const double here = between * random.normal(), there = between * random.normal();
    for (int user = 0; user < 8; ++user) {
      users.world.push_back(world);
      one.push_back(here + random.normal());
      other.push_back(there + random.normal());
    }
  }
  users.one = means(one);
  users.other = means(other);
  return users;
}

TEST(Bootstrap, HasTheStandardErrorOfAMean) {
  const Users users = draw_users(20, 0, 3);
  const Effect effect = Bootstrap(users.world, 1).level(users.one);
  double mean = 0, squares = 0;
  std::vector<double> by_world(20);
  for (size_t user = 0; user < 160; ++user) by_world[user / 8] += users.one.numerator[user] / 8;
  for (const double value : by_world) mean += value / 20;
  for (const double value : by_world) squares += (value - mean) * (value - mean);
  const double expected = std::sqrt(squares / 19 / 20);
  EXPECT_NEAR(effect.value, mean, 1e-12);
  EXPECT_NEAR(effect.standard_error, expected, 0.1 * expected);  // 1,000 replicates: 2%
  EXPECT_NEAR(effect.high - effect.value, 2.093 * effect.standard_error, 1e-3);
  EXPECT_DOUBLE_EQ(effect.detectable(), 2.8 * effect.standard_error);
}

TEST(Bootstrap, PairsTheUsersOfADifference) {
  Users users = draw_users(20, 5, 3);
  for (size_t user = 0; user < users.one.numerator.size(); ++user)
    users.other.numerator[user] = users.one.numerator[user] - 0.25;
  const Effect effect = Bootstrap(users.world, 1).difference(users.one, users.other);
  EXPECT_NEAR(effect.value, 0.25, 1e-12);
  EXPECT_NEAR(effect.standard_error, 0, 1e-9);
  const Effect none = Bootstrap(users.world, 1).difference(users.one, users.one);
  EXPECT_EQ(none.value, 0);
  EXPECT_EQ(none.standard_error, 0);
  EXPECT_EQ(none.p_value, 1);
}

// Where nothing differs, 1 interval in 20 leaves 0 out, with and without differences of worlds.
TEST(Bootstrap, FindsADifferenceInOneOfTwentyWhereThereIsNone) {
  for (const auto& [worlds, between] : {std::pair<int64_t, double>{20, 0.0}, {20, 2.0}, {3, 0.0}}) {
    int found = 0;
    constexpr int kExperiments = 400;
    for (uint64_t seed = 0; seed < kExperiments; ++seed) {
      const Users users = draw_users(worlds, between, seed);
      const Effect effect = Bootstrap(users.world, seed).difference(users.one, users.other);
      found += effect.low > 0 || effect.high < 0;
    }
    // Binomial: 20 expected, standard deviation 4.4.
    EXPECT_GE(found, 7) << worlds << " " << between;
    EXPECT_LE(found, 36) << worlds << " " << between;
  }
}

TEST(Bootstrap, NeedsUsers) { EXPECT_THROW(Bootstrap({0}, 1), Error); }

Effect effect_of(double value, double p_value) {
  Effect effect;
  effect.value = value;
  effect.p_value = p_value;
  return effect;
}

TEST(Claims, OfAllNAreCorrectedForTheirNumber) {
  const auto verdict_of = [](const std::vector<Effect>& effects) {
    return verdict(all_positive(effects));
  };
  EXPECT_EQ(verdict_of({effect_of(1, 0.001), effect_of(1, 0.02)}), Verdict::kHolds);
  EXPECT_EQ(verdict_of({effect_of(1, 0.04), effect_of(1, 0.04)}), Verdict::kNotDecided);
  EXPECT_EQ(verdict_of({effect_of(1, 0.001), effect_of(-1, 0.02)}), Verdict::kDoesNotHold);
  EXPECT_EQ(verdict_of({effect_of(1, 0.001), effect_of(-1, 0.2)}), Verdict::kNotDecided);
  EXPECT_EQ(verdict_of({effect_of(1, 0.001), effect_of(0, 1)}), Verdict::kNotDecided);
  EXPECT_EQ(verdict_of({}), Verdict::kNotDecided);
}

// By hand: .01 .02 .03 .04 times 4, 3, 2, 1, never falling: .04, then .06 for all others. Each
// alone would be decided; of the four one is.
TEST(Claims, OfAFamilyAreCorrectedForTheirNumber) {
  std::vector<Claim> claims;
  for (const auto& [value, p_value] :
       {std::pair{1.0, 0.03}, {-1.0, 0.01}, {1.0, 0.02}, {-1.0, 0.04}})
    claims.push_back({"4b", "4b_novelty", "arm", "", positive(effect_of(value, p_value))});
  claims.push_back({"5", "5_watch_time", "arm", "", positive(effect_of(1, 0.045))});  // its own
  judge(claims);
  for (const size_t other : {0u, 2u, 3u}) {
    EXPECT_DOUBLE_EQ(claims[other].p_holm, 0.06) << other;
    EXPECT_EQ(claims[other].verdict, Verdict::kNotDecided) << other;
  }
  EXPECT_DOUBLE_EQ(claims[1].p_holm, 0.04);
  EXPECT_EQ(claims[1].verdict, Verdict::kDoesNotHold);
  EXPECT_DOUBLE_EQ(claims[4].p_holm, 0.045);
  EXPECT_EQ(claims[4].verdict, Verdict::kHolds);
}

}  // namespace
}  // namespace serendip
