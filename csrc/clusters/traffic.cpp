#include "clusters/traffic.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace serendip {
namespace {

constexpr double kRounding = 1e-12;  // of the sums: a giant by itself may weigh the lower bound

}  // namespace

CappedTraffic cap_giants(const std::vector<double>& traffic, int64_t clusters, double share,
                         const std::string& what) {
  const auto active =
      std::count_if(traffic.begin(), traffic.end(), [](double weight) { return weight > 0; });
  const double needed = static_cast<double>(clusters) / share;
  SERENDIP_CHECK(static_cast<double>(active) > needed,
                 "{} has {} clusters, which needs more than {} items with traffic (clusters / "
                 "giant_share {}); only {} of {} items have any",
                 what, clusters, needed, share, active, traffic.size());

  std::vector<int32_t> order(traffic.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    const double weight_a = traffic[static_cast<size_t>(a)];
    const double weight_b = traffic[static_cast<size_t>(b)];
    return weight_a != weight_b ? weight_a > weight_b : a < b;
  });

  // With the g heaviest capped, cap = share / clusters · (g · cap + rest). The concave equation has
  // one positive root; it is found at the first g whose cap the next item does not exceed.
  std::vector<double> rest(traffic.size() + 1, 0.0);  // traffic of order[g...], smallest first
  for (size_t g = traffic.size(); g-- > 0;) {
    rest[g] = rest[g + 1] + traffic[static_cast<size_t>(order[g])];
  }
  CappedTraffic result;
  size_t giants = 0;
  while (true) {
    result.cap = rest[giants] / (needed - static_cast<double>(giants));
    if (traffic[static_cast<size_t>(order[giants])] <= result.cap) break;
    ++giants;
  }
  result.giants.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(giants));
  result.weight.resize(traffic.size());
  for (size_t i = 0; i < traffic.size(); ++i) {
    result.weight[i] = std::min(traffic[i], result.cap);
    result.total += result.weight[i];
    result.largest = std::max(result.largest, result.weight[i]);
  }
  return result;
}

TrafficBound traffic_bound(double total, double largest, int64_t clusters, double epsilon,
                           double epsilon_low) {
  const double average = total / static_cast<double>(clusters);
  return {average, (1 - kRounding) * (1 - epsilon_low) * average,
          std::max((1 + epsilon) * average, average + largest)};
}

std::vector<double> sum_by_cluster(const std::vector<double>& value,
                                   const std::vector<int32_t>& assignment, int64_t clusters) {
  std::vector<double> sum(static_cast<size_t>(clusters), 0.0);
  for (size_t i = 0; i < value.size(); ++i) sum[static_cast<size_t>(assignment[i])] += value[i];
  return sum;
}

}  // namespace serendip
