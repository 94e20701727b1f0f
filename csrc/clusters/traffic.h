// The weights that clusters are balanced by: item traffic with giants capped, and the bound.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace serendip {

// w'_i = min(w_i, share · W' / clusters) with W' = Σ w'_i, the largest such w'.
struct CappedTraffic {
  std::vector<double> weight;   // [N] w'
  double total = 0;             // W'
  double largest = 0;           // max w'
  double cap = 0;               // share · W' / clusters
  std::vector<int32_t> giants;  // items above the cap, heaviest first, ties by index
};

// Throws Error, naming `what` ("level 2") and the figures, unless more than clusters / share items
// carry traffic: with fewer the only solution is w' = 0.
CappedTraffic cap_giants(const std::vector<double>& traffic, int64_t clusters, double share,
                         const std::string& what);

// lower ≤ w'(c) ≤ upper for every cluster c.
struct TrafficBound {
  double average = 0, lower = 0, upper = 0;
  bool holds(double weight) const { return weight >= lower && weight <= upper; }
};

// upper = max((1 + epsilon) A, A + largest), lower = (1 - epsilon_low) A less the rounding of sums,
// A = total / clusters.
TrafficBound traffic_bound(double total, double largest, int64_t clusters, double epsilon,
                           double epsilon_low);

// [clusters] Σ of value over the items of each cluster, added in item order.
std::vector<double> sum_by_cluster(const std::vector<double>& value,
                                   const std::vector<int32_t>& assignment, int64_t clusters);

}  // namespace serendip
