#include "simulator/arm_life.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "base/interrupt.h"
#include "simulator/draws.h"

namespace serendip {
namespace {

constexpr int64_t kMostPages = 128, kMostDays = 1 << 20;

struct PageItem {
  int32_t item;
  bool explored;
};

// Shown by the policy and how it went, for the policy to learn from at the end of the day.
struct Lesson {
  History liked;
  int32_t item;
  bool likes;
};

class ArmDay {
 public:
  ArmDay(const Diversion& diversion, const ArmSpec& arm, const ArmSchedule& schedule,
         const ArmModels& models, int32_t day)
      : diversion_(diversion), arm_(arm), schedule_(schedule), models_(models), day_(day) {}

  void live(ArmUser& user, UserOutcome& outcome, std::set<int32_t>& engaged) {
    page_.clear();
    pages_ = 0;
    live_one_day(
        diversion_.world, user.state, day_,
        [&](const UserState&, Random&) {
          if (page_.empty()) make_page(user);
          shown_ = page_.front();
          page_.erase(page_.begin());
          return shown_.item;
        },
        [&](const Interaction& event) { count(event, user, outcome, engaged); });
  }
  const std::vector<Lesson>& lessons() const { return lessons_; }

 private:
  void make_page(const ArmUser& user) {
    Random random = draw(diversion_.world.options.seed, Draw::kPage, user.state.user,
                         (arm_.luck * kMostDays + day_) * kMostPages + pages_++);
    const int64_t places = schedule_.places;
    std::vector<int64_t> place(static_cast<size_t>(places));
    std::iota(place.begin(), place.end(), 0);
    random.shuffle(place);
    place.resize(static_cast<size_t>(arm_.explored));

    std::vector<int32_t> explored;
    if (arm_.explored > 0) explored = models_.explored_items(user, arm_.explored, random);
    std::vector<int32_t> usual;
    if (static_cast<int64_t>(explored.size()) < places)
      usual = models_.usual_items(user, 2 * places);
    for (const int32_t item : explored) std::erase(usual, item);
    std::reverse(explored.begin(), explored.end());  // the best last, to be taken from the back
    std::reverse(usual.begin(), usual.end());
    for (int64_t at = 0; at < places; ++at) {
      const bool explores = std::find(place.begin(), place.end(), at) != place.end();
      std::vector<int32_t>& from = explores && !explored.empty() ? explored : usual;
      if (from.empty()) break;
      page_.push_back({from.back(), explores});
      from.pop_back();
    }
    if (page_.empty())
      page_.push_back({static_cast<int32_t>(random.below(user.seen.size())), false});
  }

  void count(const Interaction& event, ArmUser& user, UserOutcome& outcome,
             std::set<int32_t>& engaged) {
    const int32_t cluster = diversion_.cluster()[static_cast<size_t>(event.item)];
    outcome.watch_seconds[static_cast<size_t>(day_ - diversion_.world.options.days)] +=
        static_cast<int32_t>(std::lround(event.watch_seconds));
    if (event.liked) engaged.insert(cluster);
    if (!event.own_choice) {
      const bool novel = !user.met[static_cast<size_t>(cluster)];
      ++outcome.impressions;
      outcome.satisfied += event.liked;
      outcome.novel += novel;
      outcome.positive_novel += novel && event.liked;
      if (shown_.explored) {
        ++outcome.explored;
        outcome.explored_satisfied += event.liked;
        outcome.explored_novel += novel;
        outcome.explored_positive_novel += novel && event.liked;
        if (arm_.policy == ArmPolicy::kBandit)
          lessons_.push_back({user.liked, event.item, event.liked});
      }
    }
    user.add(event, diversion_.cluster());
  }

  const Diversion& diversion_;
  const ArmSpec& arm_;
  const ArmSchedule& schedule_;
  const ArmModels& models_;
  int32_t day_;
  std::vector<PageItem> page_;
  int64_t pages_ = 0;
  PageItem shown_{};
  std::vector<Lesson> lessons_;
};

// Interests of the user, not known to them at first, of which they are aware now.
int32_t interests_found(const UserState& user) {
  int32_t found = 0;
  for (const TopicMemory& memory : user.topics) {
    const auto place = std::find(user.taste.topic.begin(), user.taste.topic.end(), memory.topic);
    found += memory.awareness > 0 && place != user.taste.topic.end() &&
             place - user.taste.topic.begin() >= static_cast<std::ptrdiff_t>(user.taste.known);
  }
  return found;
}

}  // namespace

std::vector<UserOutcome> live_in_arm(const Diversion& diversion, const ArmSpec& arm,
                                     const ArmSchedule& schedule, ArmModels& models) {
  std::vector<ArmUser> users = diversion.users;
  std::vector<UserOutcome> outcomes(users.size());
  std::vector<std::set<int32_t>> engaged(users.size());
  for (size_t u = 0; u < users.size(); ++u) {
    users[u].state.luck = arm.luck;
    outcomes[u].watch_seconds.resize(static_cast<size_t>(schedule.days));
    outcomes[u].interests_found = -interests_found(users[u].state);
  }
  for (int64_t day = 0; day < schedule.days; ++day) {
    throw_if_interrupted();
    if (day > 0 && day % schedule.retrain_every == 0) {
      const bool needs = arm.needs_sequence_model(schedule.places);
      models.train(users,
                   needs ? ArmModels::train_sequence(diversion, models.options(), users) : nullptr);
    }
    ArmDay today(diversion, arm, schedule, models,
                 static_cast<int32_t>(diversion.world.options.days + day));
    for (size_t u = 0; u < users.size(); ++u) today.live(users[u], outcomes[u], engaged[u]);
    for (const Lesson& lesson : today.lessons())
      models.learn(lesson.liked, lesson.item, lesson.likes);
  }
  for (size_t u = 0; u < users.size(); ++u) {
    outcomes[u].clusters_engaged = static_cast<int32_t>(engaged[u].size());
    outcomes[u].interests_found += interests_found(users[u].state);
  }
  return outcomes;
}

}  // namespace serendip
