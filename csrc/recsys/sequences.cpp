#include "recsys/sequences.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/random.h"

namespace serendip {
namespace {

constexpr int64_t kFewestEvents = 3;  // one each to train on, to validate and to test
// Of the events, behind the cut of a split by time.
constexpr double kValidationFrom = 0.8, kTestFrom = 0.9;

int64_t time_at(const EventLog& events, double share) {
  std::vector<int64_t> times = events.time;
  if (times.empty()) return 0;
  const auto place =
      times.begin() + static_cast<int64_t>(share * static_cast<double>(times.size()));
  std::nth_element(times.begin(), place, times.end());
  return *place;
}

}  // namespace

History EventLog::before(int64_t user, int64_t event, int64_t most) const {
  const int64_t first = offset[static_cast<size_t>(user)];
  const int64_t begin = event - std::min(event - first, most);
  return {{item.begin() + begin, item.begin() + event},
          {time.begin() + begin, time.begin() + event},
          {reward.begin() + begin, reward.begin() + event}};
}

EventLog make_event_log(const Dataset& data, const ItemOrder& order) {
  SERENDIP_CHECK(data.item_count() == order.size(),
                 "recommender: expected a tree of the dataset's {} items, got one of {}",
                 data.item_count(), order.size());
  EventLog events{data.user_offset, {}, data.event_time, data.event_reward};
  for (const int32_t item : data.event_item)
    events.item.push_back(order.position[static_cast<size_t>(item)]);
  for (size_t event = 0; event < events.reward.size(); ++event)
    SERENDIP_CHECK(std::isfinite(events.reward[event]),
                   "recommender: event {}: expected a finite reward, got {}", event,
                   events.reward[event]);
  return events;
}

std::vector<bool> novel_events(const EventLog& events, const ItemOrder& order) {
  const std::vector<int32_t> cluster_of = clusters_of_positions(order);
  std::vector<int64_t> last_user(order.level(kPlanningLevel).place.size(), -1);  // by cluster
  std::vector<bool> novel(events.item.size());
  for (int64_t user = 0; user < events.user_count(); ++user)
    for (auto event = static_cast<size_t>(events.offset[static_cast<size_t>(user)]);
         event < static_cast<size_t>(events.offset[static_cast<size_t>(user) + 1]); ++event) {
      const auto cluster = static_cast<size_t>(cluster_of[static_cast<size_t>(events.item[event])]);
      novel[event] = last_user[cluster] != user;
      last_user[cluster] = user;
    }
  return novel;
}

std::vector<int64_t> HeldOut::evaluated_users(HeldOutEvent event) const {
  const std::vector<int64_t>& events_of = held_out(event);
  std::vector<int64_t> users;
  for (size_t user = 0; user < events_of.size(); ++user)
    if (events_of[user] >= 0) users.push_back(static_cast<int64_t>(user));
  return users;
}

std::vector<int64_t> HeldOut::training_counts(int64_t item_count, int64_t skipped) const {
  std::vector<int64_t> count(static_cast<size_t>(item_count));
  for (size_t user = 0; user < training_end.size(); ++user)
    for (int64_t event = events.offset[user] + skipped; event < training_end[user]; ++event)
      ++count[static_cast<size_t>(events.item[static_cast<size_t>(event)])];
  return count;
}

HeldOut leave_one_out(EventLog events) {
  HeldOut result;
  for (size_t user = 0; user + 1 < events.offset.size(); ++user) {
    const int64_t end = events.offset[user + 1];
    const bool holds_out = end - events.offset[user] >= kFewestEvents;
    result.training_end.push_back(holds_out ? end - 2 : end);
    result.validation.push_back(holds_out ? end - 2 : -1);
    result.test.push_back(holds_out ? end - 1 : -1);
  }
  result.events = std::move(events);
  return result;
}

HeldOut split_by_time(EventLog events) {
  const int64_t validation_time = time_at(events, kValidationFrom);
  const int64_t test_time = time_at(events, kTestFrom);
  HeldOut result;
  for (size_t user = 0; user + 1 < events.offset.size(); ++user) {
    const auto first = events.time.begin() + events.offset[user];
    const auto last = events.time.begin() + events.offset[user + 1];
    const auto validation = std::lower_bound(first, last, validation_time);
    const auto test = std::lower_bound(first, last, test_time);
    const auto held_out = [&](auto event, auto end) {
      return event == first || event == end ? -1 : event - events.time.begin();
    };
    result.training_end.push_back(validation - events.time.begin());
    result.validation.push_back(held_out(validation, test));
    result.test.push_back(held_out(test, last));
  }
  result.events = std::move(events);
  return result;
}

PackedRows pack_rows(const HeldOut& data, int64_t length, int64_t horizon, uint64_t seed,
                     uint64_t epoch) {
  Random random(seed, epoch);
  std::vector<size_t> users(data.training_end.size());
  std::iota(users.begin(), users.end(), size_t{0});
  random.shuffle(users);
  std::vector<int64_t> item, target, segment, event_read;
  for (const size_t user : users) {
    for (int64_t event = data.events.offset[user]; event + 1 < data.training_end[user]; ++event) {
      item.push_back(data.events.item[static_cast<size_t>(event)]);
      for (int64_t ahead = event + 1; ahead <= event + horizon; ++ahead)
        target.push_back(
            ahead < data.training_end[user] ? data.events.item[static_cast<size_t>(ahead)] : -1);
      segment.push_back(static_cast<int64_t>(user));
      event_read.push_back(event);
    }
  }
  const int64_t rows = (static_cast<int64_t>(item.size()) + length - 1) / length;
  const auto places = static_cast<size_t>(rows * length);
  item.resize(places, 0);
  target.resize(places * static_cast<size_t>(horizon), -1);
  segment.resize(places, -1);
  event_read.resize(places, 0);

  std::vector<int64_t> row_order(static_cast<size_t>(rows));
  std::iota(row_order.begin(), row_order.end(), int64_t{0});
  random.shuffle(row_order);
  const at::Tensor shuffled = torch::tensor(row_order, at::kLong);
  const auto rows_of = [&](const std::vector<int64_t>& values, const std::vector<int64_t>& shape) {
    return torch::tensor(values, at::kLong).view(shape).index_select(0, shuffled);
  };
  return {rows_of(item, {rows, length}), rows_of(segment, {rows, length}),
          rows_of(event_read, {rows, length}), rows_of(target, {rows, length, horizon})};
}

}  // namespace serendip
