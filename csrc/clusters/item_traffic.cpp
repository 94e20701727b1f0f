#include "clusters/item_traffic.h"

#include <algorithm>

#include "data/split.h"

namespace serendip {

int64_t begin_of_last(const Dataset& dataset, double share) {
  std::vector<int64_t> times = dataset.event_time;
  const auto earlier = static_cast<size_t>((1 - share) * static_cast<double>(times.size()));
  if (earlier >= times.size()) return INT64_MAX;
  const auto place = times.begin() + static_cast<std::ptrdiff_t>(earlier);
  std::nth_element(times.begin(), place, times.end());
  return *place;
}

ItemTraffic count_traffic(const Dataset& dataset, double later_share) {
  const auto items = static_cast<size_t>(dataset.item_count());
  ItemTraffic traffic{std::vector<double>(items, 0.0), std::vector<double>(items, 0.0)};
  const int64_t cutoff = begin_of_last(dataset, later_share);
  for (size_t user = 0; user < dataset.user_id.size(); ++user) {
    const bool training = split_of(dataset.user_id[user]) == Split::kTrain;
    for (auto e = static_cast<size_t>(dataset.user_offset[user]);
         e < static_cast<size_t>(dataset.user_offset[user + 1]); ++e) {
      const auto item = static_cast<size_t>(dataset.event_item[e]);
      if (training) {
        traffic.training[item] += 1;
      } else if (dataset.event_time[e] >= cutoff) {
        traffic.later[item] += 1;
        ++traffic.later_events;
      }
    }
  }
  return traffic;
}

}  // namespace serendip
