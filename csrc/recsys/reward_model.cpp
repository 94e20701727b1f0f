#include "recsys/reward_model.h"

#include "base/check.h"

namespace serendip {
namespace {

// Calls visit(user, event) for every training event.
template <typename Visit>
void for_training_events(const HeldOut& data, const Visit& visit) {
  for (size_t user = 0; user < data.training_end.size(); ++user)
    for (int64_t event = data.events.offset[user]; event < data.training_end[user]; ++event)
      visit(user, static_cast<size_t>(event));
}

}  // namespace

RewardModel::RewardModel(const HeldOut& data, int64_t item_count)
    : user_(data.training_end.size()), item_(static_cast<size_t>(item_count)) {
  const EventLog& log = data.events;
  double events = 0.0;
  std::vector<double> item_events(item_.size(), kShrinkage), user_events(user_.size(), kShrinkage);
  for_training_events(data, [&](size_t, size_t event) {
    mean_ += log.reward[event];
    ++events;
  });
  SERENDIP_CHECK(events > 0.0, "reward model: expected training events, got none");
  mean_ /= events;
  for_training_events(data, [&](size_t, size_t event) {
    const auto item = static_cast<size_t>(log.item[event]);
    item_[item] += log.reward[event] - mean_;
    ++item_events[item];
  });
  for (size_t item = 0; item < item_.size(); ++item) item_[item] /= item_events[item];
  for_training_events(data, [&](size_t user, size_t event) {
    user_[user] += log.reward[event] - mean_ - item_[static_cast<size_t>(log.item[event])];
    ++user_events[user];
  });
  for (size_t user = 0; user < user_.size(); ++user) user_[user] /= user_events[user];
}

}  // namespace serendip
