#include "recsys/off_policy.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/check.h"

namespace serendip {
namespace {

constexpr double kQuantile = 1.959963984540054;  // of the normal distribution, 97.5%

// The mean of `terms`, whose deviations from `value` are summed by user for its variance.
ValueEstimate estimate_of(const std::vector<LoggedEvent>& events, double value,
                          const std::vector<double>& influence) {
  std::map<int64_t, double> by_user;
  for (size_t event = 0; event < events.size(); ++event)
    by_user[events[event].user] += influence[event];
  double square = 0.0;
  for (const auto& [user, sum] : by_user) square += sum * sum;
  const auto users = static_cast<double>(by_user.size());
  const auto count = static_cast<double>(events.size());
  const double margin = kQuantile * std::sqrt(square * users / (users - 1.0)) / count;
  return {value, value - margin, value + margin};
}

ValueEstimate mean_of(const std::vector<LoggedEvent>& events, std::vector<double> terms) {
  double mean = 0.0;
  for (const double term : terms) mean += term / static_cast<double>(terms.size());
  for (double& term : terms) term -= mean;
  return estimate_of(events, mean, terms);
}

void check_events(const std::vector<LoggedEvent>& events, double weight_cap) {
  SERENDIP_CHECK(weight_cap > 0.0, "off-policy: expected a weight cap above 0, got {}", weight_cap);
  const bool several = std::any_of(events.begin(), events.end(), [&](const LoggedEvent& event) {
    return event.user != events.front().user;
  });
  SERENDIP_CHECK(several, "off-policy: expected events of at least 2 users, got {} events of {}",
                 events.size(), events.empty() ? 0 : 1);
  for (size_t at = 0; at < events.size(); ++at) {
    const LoggedEvent& event = events[at];
    SERENDIP_CHECK(std::isfinite(event.reward) && std::isfinite(event.log_behaviour) &&
                       !std::isnan(event.log_target) && event.log_target <= 0.0 &&
                       std::isfinite(event.model_reward) && std::isfinite(event.model_value),
                   "off-policy: event {}: expected finite numbers and log-probabilities of at most "
                   "0, got reward {}, log target {}, log behaviour {}, model {} and {}",
                   at, event.reward, event.log_target, event.log_behaviour, event.model_reward,
                   event.model_value);
  }
}

}  // namespace

OffPolicyEstimates estimate_off_policy(const std::vector<LoggedEvent>& events, double weight_cap) {
  check_events(events, weight_cap);
  OffPolicyEstimates result{};
  std::vector<double> weight;
  double sum = 0.0, square = 0.0, earned = 0.0;
  for (const LoggedEvent& event : events) {
    const double whole = std::exp(event.log_target - event.log_behaviour);
    result.largest_weight = std::max(result.largest_weight, whole);
    result.clipped_share += whole > weight_cap;
    weight.push_back(std::min(whole, weight_cap));
    sum += weight.back();
    square += weight.back() * weight.back();
    earned += weight.back() * event.reward;
  }
  SERENDIP_CHECK(sum > 0.0, "off-policy: expected a weight above 0 among {} events, got none",
                 events.size());
  const auto count = static_cast<double>(events.size());
  result.clipped_share /= count;
  result.effective_sample_size = sum * sum / square;

  const double ratio = earned / sum;
  std::vector<double> importance, deviation, robust;
  for (size_t at = 0; at < events.size(); ++at) {
    const LoggedEvent& event = events[at];
    importance.push_back(weight[at] * event.reward);
    deviation.push_back(weight[at] * (event.reward - ratio) * count / sum);
    robust.push_back(event.model_value + weight[at] * (event.reward - event.model_reward));
  }
  result.importance = mean_of(events, std::move(importance));
  result.self_normalised = estimate_of(events, ratio, deviation);  // the delta method
  result.doubly_robust = mean_of(events, std::move(robust));
  return result;
}

}  // namespace serendip
