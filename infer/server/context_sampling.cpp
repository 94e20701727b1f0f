#include "infer/server/context_sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace serendip::server {
namespace {

// Positive events of (end - window, end].
std::vector<size_t> positive_events(const History& history, const MiningRule& rule, int64_t window,
                                    int64_t end) {
  std::vector<size_t> events;
  for (size_t event = 0; event < history.item.size(); ++event) {
    const int64_t time = history.time[event];
    if (history.reward[event] >= rule.positive_reward && end - window < time && time <= end)
      events.push_back(event);
  }
  return events;
}

// Where the window ends that is moved for want of positive events.
std::optional<int64_t> moved_end(const History& history, const MiningRule& rule, int64_t now) {
  std::optional<int64_t> end;
  for (size_t event = 0; event < history.item.size(); ++event)
    if (history.reward[event] >= rule.positive_reward && (history.time[event] <= now || !end))
      end = history.time[event];
  return end;
}

}  // namespace

std::optional<ContextSample> sample_context(const History& history,
                                            const std::vector<int32_t>& cluster,
                                            const MiningRule& rule, int64_t window, int64_t now,
                                            Random& random) {
  ContextSample sample;
  std::vector<size_t> events = positive_events(history, rule, window, now);
  if (events.empty()) {
    const std::optional<int64_t> end = moved_end(history, rule, now);
    if (!end) return std::nullopt;
    sample.window_moved = true;
    events = positive_events(history, rule, window, *end);
  }
  // The K largest of log(u) / weight; those without weight come after all others, drawn alike.
  std::vector<std::pair<std::pair<double, double>, size_t>> keys;
  for (const size_t event : events) {
    const double uniform = random.uniform();
    const double weight = history.reward[event];
    const double key =
        weight > 0 ? std::log(uniform) / weight : -std::numeric_limits<double>::infinity();
    keys.push_back({{key, uniform}, event});
  }
  const auto size = static_cast<size_t>(rule.context_size);
  const size_t kept = std::min(keys.size(), size);
  std::partial_sort(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(kept), keys.end(),
                    std::greater<>());
  for (size_t place = 0; place < kept; ++place) sample.events.push_back(keys[place].second);
  std::sort(sample.events.begin(), sample.events.end());
  sample.context.assign(size - kept, cluster[sample.events.front()]);
  for (const size_t event : sample.events) sample.context.push_back(cluster[event]);
  return sample;
}

}  // namespace serendip::server
