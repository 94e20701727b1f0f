#include "recsys/off_policy.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "base/random.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

constexpr size_t kContexts = 2, kActions = 3;
using Table = std::array<std::array<double, kActions>, kContexts>;
constexpr Table kBehaviour{{{0.5, 0.25, 0.25}, {0.25, 0.5, 0.25}}};
constexpr Table kTarget{{{0.1, 0.2, 0.7}, {0.6, 0.3, 0.1}}};
constexpr Table kReward{{{0.2, 0.5, 0.9}, {0.4, 0.1, 0.8}}};

double true_value() {
  double value = 0.0;
  for (size_t context = 0; context < kContexts; ++context)
    for (size_t action = 0; action < kActions; ++action)
      value += kTarget[context][action] * kReward[context][action] / kContexts;
  return value;
}

// `model_error` is added to the model's rewards.
LoggedEvent event_of(int64_t user, size_t context, size_t action, double reward,
                     double model_error) {
  LoggedEvent event{user, reward, std::log(kTarget[context][action]),
                    std::log(kBehaviour[context][action])};
  event.model_reward = kReward[context][action] + model_error;
  for (size_t other = 0; other < kActions; ++other)
    event.model_value += kTarget[context][other] * (kReward[context][other] + model_error);
  return event;
}

TEST(OffPolicy, ExactWhereTheLogHoldsEachActionInProportion) {
  std::vector<LoggedEvent> events;
  for (size_t context = 0; context < kContexts; ++context)
    for (size_t action = 0; action < kActions; ++action)
      for (int copy = 0; copy < 4 * kBehaviour[context][action]; ++copy)
        events.push_back(event_of(static_cast<int64_t>(events.size()), context, action,
                                  kReward[context][action], 0.3));
  const OffPolicyEstimates estimates = estimate_off_policy(events, 100.0);
  EXPECT_NEAR(estimates.importance.value, true_value(), 1e-12);
  EXPECT_NEAR(estimates.self_normalised.value, true_value(), 1e-12);
  EXPECT_NEAR(estimates.doubly_robust.value, true_value(), 1e-12);
  EXPECT_NEAR(estimates.largest_weight, 2.8, 1e-12);
  EXPECT_EQ(estimates.clipped_share, 0.0);
}

TEST(OffPolicy, AModelThatIsRightLeavesNoError) {
  std::vector<LoggedEvent> events;  // all of one action, which no weighting can make up for
  for (int64_t user = 0; user < 4; ++user)
    events.push_back(event_of(user, static_cast<size_t>(user % 2), 0,
                              kReward[static_cast<size_t>(user % 2)][0], 0.0));
  EXPECT_NEAR(estimate_off_policy(events, 100.0).doubly_robust.value, true_value(), 1e-12);
}

TEST(OffPolicy, TheLoggingPolicyItselfEarnsTheMeanReward) {
  const std::vector<LoggedEvent> events{
      {1, 2.0, -1.0, -1.0}, {1, 4.0, -2.0, -2.0}, {2, 9.0, -0.5, -0.5}};
  const OffPolicyEstimates estimates = estimate_off_policy(events, 10.0);
  EXPECT_DOUBLE_EQ(estimates.importance.value, 5.0);
  EXPECT_DOUBLE_EQ(estimates.self_normalised.value, 5.0);
  EXPECT_DOUBLE_EQ(estimates.effective_sample_size, 3.0);
  // By user the deviations sum to -4 and 4: sqrt(32 * 2 / 1) / 3 times 1.96.
  const double margin = 1.959963984540054 * 8.0 / 3.0;
  EXPECT_NEAR(estimates.importance.low, 5.0 - margin, 1e-12);
  EXPECT_NEAR(estimates.importance.high, 5.0 + margin, 1e-12);
}

TEST(OffPolicy, CountsWhatTheCapLowers) {
  const double third = std::log(1.0 / 3.0);
  const std::vector<LoggedEvent> events{{1, 1.0, 0.0, third},    // weight 3, capped to 2
                                        {2, 1.0, third, third},  // 1
                                        {3, 1.0, -std::numeric_limits<double>::infinity(), third}};
  const OffPolicyEstimates estimates = estimate_off_policy(events, 2.0);
  EXPECT_NEAR(estimates.importance.value, 1.0, 1e-12);
  EXPECT_NEAR(estimates.effective_sample_size, 9.0 / 5.0, 1e-12);
  EXPECT_NEAR(estimates.clipped_share, 1.0 / 3.0, 1e-12);
  EXPECT_NEAR(estimates.largest_weight, 3.0, 1e-12);
}

// Users have a context each and 10 dependent events. Of 400 logs an interval of 95% holds the truth
// in 380; five standard errors of that are 22.
TEST(OffPolicy, IntervalsHoldTheTruthAsOftenAsTheySay) {
  std::array<int, 3> held{};
  for (uint64_t log = 0; log < 400; ++log) {
    Random random(11, log);
    std::vector<LoggedEvent> events;
    for (int64_t user = 0; user < 150; ++user) {
      const auto context = static_cast<size_t>(random.below(kContexts));
      const double mood = 0.2 * random.normal();
      for (int copy = 0; copy < 10; ++copy) {
        const double point = random.uniform();
        const auto& share = kBehaviour[context];
        const size_t action = point < share[0] ? 0 : point < share[0] + share[1] ? 1 : 2;
        const double reward = kReward[context][action] + mood + 0.3 * random.normal();
        events.push_back(event_of(user, context, action, reward, -0.2));
      }
    }
    const OffPolicyEstimates estimates = estimate_off_policy(events, 100.0);
    const std::array<ValueEstimate, 3> all{estimates.importance, estimates.self_normalised,
                                           estimates.doubly_robust};
    for (size_t kind = 0; kind < all.size(); ++kind)
      held[kind] += all[kind].low <= true_value() && true_value() <= all[kind].high;
  }
  for (const int count : held) {
    EXPECT_GE(count, 358);
    EXPECT_LE(count, 398);
  }
}

TEST(OffPolicy, RefusesBadInput) {
  const LoggedEvent good{1, 1.0, -1.0, -1.0}, other{2, 1.0, -1.0, -1.0};
  EXPECT_EQ(error_of([&] {
              estimate_off_policy({good, good}, 1.0);
            }),
            "off-policy: expected events of at least 2 users, got 2 events of 1");
  EXPECT_EQ(error_of([&] { estimate_off_policy({}, 1.0); }),
            "off-policy: expected events of at least 2 users, got 0 events of 0");
  EXPECT_EQ(error_of([&] {
              estimate_off_policy({good, other}, 0.0);
            }),
            "off-policy: expected a weight cap above 0, got 0");
  EXPECT_EQ(error_of([&] {
              estimate_off_policy({good, {2, NAN, -1.0, -1.0}}, 1.0);
            }),
            "off-policy: event 1: expected finite numbers and log-probabilities of at most 0, got "
            "reward nan, log target -1, log behaviour -1, model 0 and 0");
  const double never = -std::numeric_limits<double>::infinity();
  EXPECT_EQ(error_of([&] {
              estimate_off_policy({{1, 1.0, never, -1.0}, {2, 1.0, never, -1.0}}, 1.0);
            }),
            "off-policy: expected a weight above 0 among 2 events, got none");
}

}  // namespace
}  // namespace serendip
