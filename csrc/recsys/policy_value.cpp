#include "recsys/policy_value.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/interrupt.h"
#include "recsys/evaluate.h"

namespace serendip {

std::vector<double> log_probs(const Policy& policy, const History& history, int64_t item_count) {
  std::vector<double> result(static_cast<size_t>(item_count),
                             -std::numeric_limits<double>::infinity());
  for (const auto& [item, log_prob] :
       policy.recommend({history, {}, item_count, /*exclude_seen=*/false}))
    result[static_cast<size_t>(item)] = std::min(log_prob, 0.0);
  return result;
}

LoggedPart::LoggedPart(const Recommender& behaviour, const RecommendInputs& inputs)
    : inputs_(inputs), reward_of_(inputs.events, inputs.order.size()) {
  const EventLog& log = inputs.events.events;
  for (int64_t user = 0; user < log.user_count(); ++user) {
    const auto at = static_cast<size_t>(user);
    for (int64_t event = std::max(inputs.events.training_end[at], log.offset[at] + 1);
         event < log.offset[at + 1]; ++event) {
      throw_if_interrupted();
      const int32_t position = log.item[static_cast<size_t>(event)];
      const int32_t item = inputs.order.item[static_cast<size_t>(position)];
      const History history = in_items(inputs.order, log.before(user, event));
      event_.push_back(event);
      logged_.push_back({user, log.reward[static_cast<size_t>(event)], /*log_target=*/0.0,
                         behaviour.log_probs(history, item).behaviour, reward_of_(user, position)});
    }
  }
}

int64_t LoggedPart::users() const {
  std::set<int64_t> users;
  for (const LoggedEvent& event : logged_) users.insert(event.user);
  return static_cast<int64_t>(users.size());
}

double LoggedPart::mean_reward() const {
  double sum = 0.0;
  for (const LoggedEvent& event : logged_) sum += event.reward;
  return sum / static_cast<double>(logged_.size());
}

std::vector<LoggedEvent> LoggedPart::under(const Policy& policy) const {
  const EventLog& log = inputs_.events.events;
  const ItemOrder& order = inputs_.order;
  std::vector<LoggedEvent> events = logged_;
  for (size_t at = 0; at < events.size(); ++at) {
    throw_if_interrupted();
    LoggedEvent& event = events[at];
    const std::vector<double> log_target =
        log_probs(policy, in_items(order, log.before(event.user, event_[at])), order.size());
    const int32_t position = log.item[static_cast<size_t>(event_[at])];
    event.log_target = log_target[static_cast<size_t>(order.item[static_cast<size_t>(position)])];
    for (size_t item = 0; item < log_target.size(); ++item)
      event.model_value +=
          std::exp(log_target[item]) * reward_of_(event.user, order.position[item]);
  }
  return events;
}

}  // namespace serendip
