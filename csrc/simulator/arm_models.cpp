#include "simulator/arm_models.h"

#include <algorithm>

#include "recsys/keyword_policy.h"
#include "recsys/train_model.h"
#include "recsys/train_two_tower.h"
#include "recsys/two_tower_policy.h"

namespace serendip {
namespace {

constexpr size_t kBanditEvents = 10;  // of a user, that a bandit learns from when it is made anew
constexpr int64_t kFewestHeldOut = 3;

// The last liked item of each user with at least 3 is for validation.
HeldOut training_data(const std::vector<ArmUser>& users, const ItemOrder& order) {
  HeldOut data;
  EventLog& events = data.events;
  events.offset.push_back(0);
  for (const ArmUser& user : users) {
    for (const int32_t item : user.liked.item)
      events.item.push_back(order.position[static_cast<size_t>(item)]);
    events.time.insert(events.time.end(), user.liked.time.begin(), user.liked.time.end());
    events.reward.insert(events.reward.end(), user.liked.reward.begin(), user.liked.reward.end());
    const auto end = static_cast<int64_t>(events.item.size());
    const bool holds_out = end - events.offset.back() >= kFewestHeldOut;
    data.training_end.push_back(holds_out ? end - 1 : end);
    data.validation.push_back(holds_out ? end - 1 : -1);
    data.test.push_back(-1);
    events.offset.push_back(end);
  }
  return data;
}

std::vector<int64_t> like_counts(const std::vector<ArmUser>& users, int64_t items) {
  std::vector<int64_t> count(static_cast<size_t>(items));
  for (const ArmUser& user : users)
    for (const int32_t item : user.liked.item) ++count[static_cast<size_t>(item)];
  return count;
}

History last(const History& history, int64_t most) {
  const auto first = std::max<std::ptrdiff_t>(
      0, static_cast<std::ptrdiff_t>(history.item.size()) - static_cast<std::ptrdiff_t>(most));
  return {{history.item.begin() + first, history.item.end()},
          {history.time.begin() + first, history.time.end()},
          {history.reward.begin() + first, history.reward.end()}};
}

void ignore(const EpochReport&) {}

}  // namespace

ArmModels::ArmModels(const Diversion& diversion, const ArmSpec& arm,
                     const RecommendOptions& options, InterestPlanner planner)
    : diversion_(diversion), arm_(arm), options_(options), planner_(std::move(planner)) {
  options_.seed += arm.luck;
}

std::shared_ptr<const Recommender> ArmModels::train_sequence(const Diversion& diversion,
                                                             const RecommendOptions& options,
                                                             const std::vector<ArmUser>& users) {
  const HeldOut data = training_data(users, diversion.order);
  return std::make_shared<const Recommender>(Recommender::of(
      train_sequence_model(options, diversion.order, data, ignore).model, diversion.tree));
}

void ArmModels::train(const std::vector<ArmUser>& users,
                      std::shared_ptr<const Recommender> sequence) {
  const ClusterTree& tree = diversion_.tree;
  popularity_ =
      std::make_unique<PopularityPolicy>(tree, like_counts(users, diversion_.world.items.size()));
  sequence_ = std::move(sequence);
  switch (arm_.policy) {
    case ArmPolicy::kReinforce: {
      RecommendOptions options = options_;
      options.loss = "reinforce";
      options.novelty_boost = arm_.boost;
      const HeldOut data = training_data(users, diversion_.order);
      policy_ = std::make_unique<Recommender>(Recommender::of(
          train_sequence_model(options, diversion_.order, data, ignore).model, tree));
      break;
    }
    case ArmPolicy::kTwoTower: {
      const HeldOut data = training_data(users, diversion_.order);
      policy_ = std::make_unique<TwoTowerPolicy>(
          tree, train_two_tower(options_, diversion_.order, data, ignore).model);
      break;
    }
    case ArmPolicy::kBandit:
      train_bandit(users);
      break;
    case ArmPolicy::kKeyword:
      policy_ = std::make_unique<KeywordPolicy>(tree, diversion_.data.item_title,
                                                diversion_.data.item_text);
      break;
    case ArmPolicy::kRandom:
      policy_ = std::make_unique<RandomPolicy>(tree, static_cast<uint64_t>(options_.seed));
      break;
    default:
      break;
  }
}

void ArmModels::train_bandit(const std::vector<ArmUser>& users) {
  bandit_ = std::make_unique<BanditPolicy>(diversion_.tree, sequence_, BanditOptions{},
                                           static_cast<uint64_t>(options_.seed));
  for (const ArmUser& user : users) {
    History liked;  // before the event
    const size_t events = user.shown.item.size();
    for (size_t event = 0; event < events; ++event) {
      const bool likes = user.shown.reward[event] > 0;
      if (event + kBanditEvents >= events) learn(liked, user.shown.item[event], likes);
      if (!likes) continue;
      liked.item.push_back(user.shown.item[event]);
      liked.time.push_back(user.shown.time[event]);
      liked.reward.push_back(1.0f);
    }
  }
}

void ArmModels::learn(const History& history, int32_t item, bool liked) {
  if (bandit_ == nullptr || history.item.empty()) return;
  bandit_->learn(last(history, options_.max_length), item, liked ? 1.0 : 0.0);
}

std::vector<int32_t> ArmModels::unseen(const Policy& policy, const ArmUser& user, int64_t count,
                                       std::vector<int32_t> clusters) const {
  const auto seen = std::count(user.seen.begin(), user.seen.end(), true);
  const PolicyRequest request{last(user.liked, options_.max_length), std::move(clusters),
                              count + seen, /*exclude_seen=*/false};
  std::vector<int32_t> items;
  for (const Recommendation& entry : policy.recommend(request)) {
    if (static_cast<int64_t>(items.size()) == count) break;
    if (!user.seen[static_cast<size_t>(entry.item)]) items.push_back(entry.item);
  }
  return items;
}

std::vector<int32_t> ArmModels::usual_items(const ArmUser& user, int64_t count) const {
  const bool blank = sequence_ == nullptr || user.liked.item.empty();
  return unseen(blank ? static_cast<const Policy&>(*popularity_) : *sequence_, user, count, {});
}

std::vector<int32_t> ArmModels::explored_items(const ArmUser& user, int64_t count,
                                               Random& random) const {
  switch (arm_.policy) {
    case ArmPolicy::kSequence:
      return usual_items(user, count);
    case ArmPolicy::kPopularity:
      return unseen(*popularity_, user, count, {});
    case ArmPolicy::kRandom:
      return unseen(*policy_, user, count, {});
    case ArmPolicy::kReinforce:
    case ArmPolicy::kTwoTower:
      return user.liked.item.empty() ? usual_items(user, count) : unseen(*policy_, user, count, {});
    case ArmPolicy::kBandit:
      return user.liked.item.empty() ? usual_items(user, count) : unseen(*bandit_, user, count, {});
    case ArmPolicy::kKeyword:
    case ArmPolicy::kLanguage:
    case ArmPolicy::kTable:
    case ArmPolicy::kCounts:
      break;
  }
  if (user.liked.item.empty()) return usual_items(user, count);
  const std::optional<int32_t> interest = planner_(user, random);
  if (!interest) return {};
  return unseen(policy_ ? *policy_ : static_cast<const Policy&>(*sequence_), user, count,
                {*interest});
}

}  // namespace serendip
