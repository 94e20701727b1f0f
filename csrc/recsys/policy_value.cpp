#include "recsys/policy_value.h"

#include <cmath>
#include <limits>

#include "base/interrupt.h"
#include "recsys/evaluate.h"
#include "recsys/reward_model.h"

namespace serendip {

std::vector<double> log_probs(const Policy& policy, const History& history, int64_t item_count) {
  std::vector<double> result(static_cast<size_t>(item_count),
                             -std::numeric_limits<double>::infinity());
  for (const auto& [item, log_prob] :
       policy.recommend({history, {}, item_count, /*exclude_seen=*/false}))
    result[static_cast<size_t>(item)] = std::min(log_prob, 0.0);
  return result;
}

std::vector<LoggedEvent> logged_events(const Policy& policy, const Recommender& behaviour,
                                       const RecommendInputs& inputs) {
  const EventLog& log = inputs.events.events;
  const RewardModel reward_of(inputs.events, inputs.order.size());
  std::vector<LoggedEvent> events;
  for (int64_t user = 0; user < log.user_count(); ++user) {
    const auto at = static_cast<size_t>(user);
    for (int64_t event = std::max(inputs.events.training_end[at], log.offset[at] + 1);
         event < log.offset[at + 1]; ++event) {
      throw_if_interrupted();
      const History history = in_items(inputs.order, log.before(user, event));
      const int32_t position = log.item[static_cast<size_t>(event)];
      const int32_t item = inputs.order.item[static_cast<size_t>(position)];
      const std::vector<double> log_target = log_probs(policy, history, inputs.order.size());
      double value = 0.0;
      for (size_t other = 0; other < log_target.size(); ++other)
        value += std::exp(log_target[other]) * reward_of(user, inputs.order.position[other]);
      events.push_back(
          {user, log.reward[static_cast<size_t>(event)], log_target[static_cast<size_t>(item)],
           behaviour.log_probs(history, item).behaviour, reward_of(user, position), value});
    }
  }
  return events;
}

}  // namespace serendip
