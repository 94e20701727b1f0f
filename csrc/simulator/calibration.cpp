#include "simulator/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_set>

#include "base/check.h"
#include "base/random.h"

namespace serendip {
namespace {

constexpr int64_t kIdle = 30 * 60;  // seconds

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// Of ascending values; 0 where all are equal, near 1 where one has everything.
double gini(const std::vector<double>& ascending) {
  double weighted = 0;
  const auto count = static_cast<double>(ascending.size());
  for (size_t i = 0; i < ascending.size(); ++i)
    weighted += (2 * static_cast<double>(i + 1) - count - 1) * ascending[i];
  return weighted / (count * sum_of(ascending));
}

// Share of the sum that the highest `share` of ascending values have, one at least.
double top_share(const std::vector<double>& ascending, double share) {
  const auto top =
      std::max<std::ptrdiff_t>(1, std::llround(share * static_cast<double>(ascending.size())));
  return std::accumulate(ascending.end() - top, ascending.end(), 0.0) / sum_of(ascending);
}

double quantile(const std::vector<double>& ascending, double share) {
  return ascending[static_cast<size_t>(share * static_cast<double>(ascending.size() - 1))];
}

std::vector<double> positive_ascending(std::vector<double> values) {
  std::erase(values, 0.0);
  std::sort(values.begin(), values.end());
  return values;
}

struct Sessions {
  std::vector<double> length;
  double repeated = 0;
};

Sessions sessions_of(const Dataset& data) {
  Sessions result;
  for (size_t user = 0; user < data.user_id.size(); ++user) {
    std::unordered_set<int32_t> seen;
    for (auto e = static_cast<size_t>(data.user_offset[user]);
         e < static_cast<size_t>(data.user_offset[user + 1]); ++e) {
      const bool first = e == static_cast<size_t>(data.user_offset[user]);
      if (first || data.event_time[e] - data.event_time[e - 1] > kIdle) result.length.push_back(0);
      ++result.length.back();
      result.repeated += !seen.insert(data.event_item[e]).second;
    }
  }
  result.repeated /= static_cast<double>(data.event_count());
  std::sort(result.length.begin(), result.length.end());
  return result;
}

// 1 - cosine of the items' counts among the events that are `later` and those that are not.
template <typename Later>
double distance(const Dataset& data, const Later& later) {
  std::vector<double> early(data.item_id.size()), late(data.item_id.size());
  for (size_t e = 0; e < data.event_item.size(); ++e)
    ++(later(e) ? late : early)[static_cast<size_t>(data.event_item[e])];
  const auto product = [](const std::vector<double>& a, const std::vector<double>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  return 1 - product(early, late) / std::sqrt(product(early, early) * product(late, late));
}

}  // namespace

nlohmann::json log_facts(const Dataset& data) {
  SERENDIP_CHECK(data.event_count() > 0, "calibrate: expected a log with events, got none");
  std::vector<double> by_item(data.item_id.size()), by_user;
  for (const int32_t item : data.event_item) ++by_item[static_cast<size_t>(item)];
  for (size_t user = 0; user < data.user_id.size(); ++user)
    by_user.push_back(static_cast<double>(data.user_offset[user + 1] - data.user_offset[user]));
  by_item = positive_ascending(std::move(by_item));
  by_user = positive_ascending(std::move(by_user));
  const Sessions sessions = sessions_of(data);

  std::vector<int64_t> times = data.event_time;
  std::nth_element(times.begin(), times.begin() + data.event_count() / 2, times.end());
  const int64_t middle = times[times.size() / 2];
  Random random(1);
  const auto session_count = static_cast<double>(sessions.length.size());
  const double median = quantile(by_user, 0.5);
  return {{"users", by_user.size()},
          {"items", by_item.size()},
          {"events", data.event_count()},
          {"item_gini", gini(by_item)},
          {"top_1_percent_items", top_share(by_item, 0.01)},
          {"top_10_percent_items", top_share(by_item, 0.1)},
          {"user_gini", gini(by_user)},
          {"user_median", median},
          {"user_90_over_median", quantile(by_user, 0.9) / median},
          {"session_mean", sum_of(sessions.length) / session_count},
          {"session_median", quantile(sessions.length, 0.5)},
          {"session_90", quantile(sessions.length, 0.9)},
          {"sessions_a_user", session_count / static_cast<double>(by_user.size())},
          {"repeated", sessions.repeated},
          {"drift", distance(data, [&](size_t e) { return data.event_time[e] >= middle; })},
          {"drift_by_chance", distance(data, [&](size_t) { return random.uniform() < 0.5; })}};
}

}  // namespace serendip
