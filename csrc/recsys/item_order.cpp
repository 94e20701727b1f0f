#include "recsys/item_order.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace serendip {

ItemOrder make_item_order(const ClusterTree& tree) {
  ItemOrder order;
  order.item.resize(tree.planning().assignment.size());
  std::iota(order.item.begin(), order.item.end(), 0);
  std::stable_sort(order.item.begin(), order.item.end(), [&](int32_t left, int32_t right) {
    for (const TreeLevel& level : tree.levels) {
      const int32_t left_cluster = level.assignment[static_cast<size_t>(left)];
      const int32_t right_cluster = level.assignment[static_cast<size_t>(right)];
      if (left_cluster != right_cluster) return left_cluster < right_cluster;
    }
    return false;
  });
  order.position.resize(order.item.size());
  for (size_t position = 0; position < order.item.size(); ++position)
    order.position[static_cast<size_t>(order.item[position])] = static_cast<int32_t>(position);

  for (size_t number = 0; number < order.levels.size(); ++number) {
    const TreeLevel& level = tree.levels[number];
    ItemOrder::Level& ranges = order.levels[number];
    ranges.place.assign(static_cast<size_t>(level.cluster_count()), -1);
    int32_t last = -1;
    for (size_t position = 0; position < order.item.size(); ++position) {
      const int32_t cluster = level.assignment[static_cast<size_t>(order.item[position])];
      if (cluster == last) continue;
      last = cluster;
      ranges.place[static_cast<size_t>(cluster)] = static_cast<int64_t>(ranges.offset.size());
      ranges.offset.push_back(static_cast<int64_t>(position));
    }
    SERENDIP_CHECK(
        static_cast<int64_t>(ranges.offset.size()) == level.cluster_count(),
        "item order: expected level {}'s {} clusters to be one range each, got {} ranges",
        number + 1, level.cluster_count(), ranges.offset.size());
    ranges.offset.push_back(order.size());
  }
  return order;
}

std::vector<float> by_item(const ItemOrder& order, const float* values) {
  std::vector<float> result(order.item.size());
  for (size_t position = 0; position < result.size(); ++position)
    result[static_cast<size_t>(order.item[position])] = values[position];
  return result;
}

std::vector<int32_t> clusters_of_positions(const ItemOrder& order) {
  const std::vector<int64_t>& offset = order.level(kPlanningLevel).offset;
  std::vector<int32_t> cluster;
  for (size_t place = 0; place + 1 < offset.size(); ++place)
    cluster.resize(static_cast<size_t>(offset[place + 1]), static_cast<int32_t>(place));
  return cluster;
}

}  // namespace serendip
