#include "simulator/diversion.h"

#include <cmath>
#include <span>

#include "base/check.h"
#include "simulator/incumbent.h"
#include "simulator/item_content.h"

namespace serendip {
namespace {

std::vector<ArmUser> live_under_incumbent(const World& world) {
  const Incumbent incumbent(world);
  std::vector<ArmUser> users(static_cast<size_t>(world.options.users));
  for (size_t number = 0; number < users.size(); ++number) {
    ArmUser& user = users[number];
    user.state = new_user(world, static_cast<int64_t>(number));
    user.seen.resize(static_cast<size_t>(world.items.size()));
    for (int32_t day = 0; day < world.options.days; ++day)
      live_one_day(world, user.state, day, incumbent,
                   [&](const Interaction& event) { user.add(event, {}); });
  }
  return users;
}

// Of length 1, as `embed` makes them.
std::vector<float> unit_vectors(const World& world) {
  const WorldItemVectors vectors(world);
  const auto dimensions = static_cast<size_t>(world.options.dimensions);
  std::vector<float> values(static_cast<size_t>(world.items.size()) * dimensions);
  for (int32_t item = 0; item < world.items.size(); ++item) {
    const std::span<float> row =
        std::span(values).subspan(static_cast<size_t>(item) * dimensions, dimensions);
    vectors.fill(item, row);
    double squares = 0;
    for (const float value : row) squares += static_cast<double>(value) * value;
    for (float& value : row) value = static_cast<float>(value / std::sqrt(squares));
  }
  return values;
}

Dataset log_of(const World& world, const std::vector<ArmUser>& users) {
  Dataset data;
  for (int32_t item = 0; item < world.items.size(); ++item) {
    const WorldItemText text = item_text(world, item);
    data.item_id.push_back(std::to_string(item));
    data.item_title.push_back(text.title);
    data.item_text.push_back(text.tags);
  }
  data.embedding_dim = world.options.dimensions;
  data.embedding = unit_vectors(world);
  data.user_offset.push_back(0);
  for (const ArmUser& user : users) {
    if (user.shown.item.empty()) continue;
    data.user_id.push_back(std::to_string(user.state.user));
    data.event_item.insert(data.event_item.end(), user.shown.item.begin(), user.shown.item.end());
    data.event_time.insert(data.event_time.end(), user.shown.time.begin(), user.shown.time.end());
    data.event_reward.insert(data.event_reward.end(), user.shown.reward.begin(),
                             user.shown.reward.end());
    data.user_offset.push_back(data.event_count());
  }
  return data;
}

// [rows] the most frequent `column` of each row among the (row, column) of all items; the lowest of
// equal ones.
std::vector<int32_t> most_frequent(const std::vector<int32_t>& row, size_t rows,
                                   const std::vector<int32_t>& column, size_t columns) {
  std::vector<int32_t> count(rows * columns);
  for (size_t item = 0; item < row.size(); ++item)
    ++count[static_cast<size_t>(row[item]) * columns + static_cast<size_t>(column[item])];
  std::vector<int32_t> result;
  for (size_t r = 0; r < rows; ++r) {
    const auto first = count.begin() + static_cast<std::ptrdiff_t>(r * columns);
    const auto last = first + static_cast<std::ptrdiff_t>(columns);
    result.push_back(static_cast<int32_t>(std::max_element(first, last) - first));
  }
  return result;
}

}  // namespace

Diversion divert(const WorldOptions& world, const ClusterOptions& cluster, const MiningRule& rule) {
  SERENDIP_CHECK(world.dimensions > 0,
                 "world.dimensions = 0: expected vectors of the items, which clusters are made of");
  Diversion result{make_world(world), rule, {}, {}, {}, {}, {}, {}, {}};
  result.users = live_under_incumbent(result.world);
  result.data = log_of(result.world, result.users);
  result.tree = cluster_dataset(cluster, result.data, "world").tree;
  result.order = make_item_order(result.tree);
  result.transitions =
      mine_training_users(result.data, result.cluster(), result.cluster_count(), rule);
  const auto topics = static_cast<size_t>(result.world.topic_count());
  const auto clusters = static_cast<size_t>(result.cluster_count());
  result.main_topic =
      most_frequent(result.cluster(), clusters, result.world.items.topics(), topics);
  result.home = most_frequent(result.world.items.topics(), topics, result.cluster(), clusters);
  for (ArmUser& user : result.users) {
    user.met.resize(clusters);
    for (const int32_t item : user.shown.item)
      user.met[static_cast<size_t>(result.cluster()[static_cast<size_t>(item)])] = true;
  }
  return result;
}

}  // namespace serendip
