#include "recsys/sequences.h"

#include <numeric>

#include "base/check.h"
#include "base/random.h"

namespace serendip {
namespace {

constexpr size_t kFewestEvents = 3;  // one each to train on, to validate and to test

}  // namespace

std::vector<int64_t> HeldOut::evaluated_users() const {
  std::vector<int64_t> users;
  for (size_t user = 0; user < test.size(); ++user)
    if (test[user] >= 0) users.push_back(static_cast<int64_t>(user));
  return users;
}

HeldOut hold_out(const Dataset& data, const ItemOrder& order) {
  SERENDIP_CHECK(data.item_count() == order.size(),
                 "recommender: expected a tree of the dataset's {} items, got one of {}",
                 data.item_count(), order.size());
  HeldOut result;
  for (size_t user = 0; user < data.user_id.size(); ++user) {
    std::vector<int64_t> events;
    for (int64_t event = data.user_offset[user]; event < data.user_offset[user + 1]; ++event) {
      const auto item = static_cast<size_t>(data.event_item[static_cast<size_t>(event)]);
      events.push_back(order.position[item]);
    }
    int64_t test = -1, validation = -1;
    if (events.size() >= kFewestEvents) {
      test = events.back();
      events.pop_back();
      validation = events.back();
      events.pop_back();
    }
    result.training.push_back(std::move(events));
    result.validation.push_back(validation);
    result.test.push_back(test);
  }
  return result;
}

PackedRows pack_rows(const std::vector<std::vector<int64_t>>& sequences, int64_t length,
                     uint64_t seed, uint64_t epoch) {
  Random random(seed, epoch);
  std::vector<size_t> users(sequences.size());
  std::iota(users.begin(), users.end(), size_t{0});
  random.shuffle(users);
  std::vector<int64_t> item, target, segment;
  for (const size_t user : users) {
    const std::vector<int64_t>& events = sequences[user];
    for (size_t event = 0; event + 1 < events.size(); ++event) {
      item.push_back(events[event]);
      target.push_back(events[event + 1]);
      segment.push_back(static_cast<int64_t>(user));
    }
  }
  const int64_t rows = (static_cast<int64_t>(item.size()) + length - 1) / length;
  const auto places = static_cast<size_t>(rows * length);
  item.resize(places, 0);
  target.resize(places, -1);
  segment.resize(places, -1);

  std::vector<int64_t> row_order(static_cast<size_t>(rows));
  std::iota(row_order.begin(), row_order.end(), int64_t{0});
  random.shuffle(row_order);
  const at::Tensor shuffled = torch::tensor(row_order, at::kLong);
  const auto rows_of = [&](const std::vector<int64_t>& values) {
    return torch::tensor(values, at::kLong).view({rows, length}).index_select(0, shuffled);
  };
  return {rows_of(item), rows_of(target), rows_of(segment)};
}

}  // namespace serendip
