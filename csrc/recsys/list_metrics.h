// What lists of recommendations are like, whatever the users then did, and which of two ways of
// making them was better.
#pragma once

#include <cstdint>
#include <vector>

namespace serendip {

// The first `length` of `count` items by falling score, ties by index, without those in `seen`.
std::vector<int32_t> first_items(const float* scores, int64_t count, int64_t length,
                                 const std::vector<int32_t>& seen);

// Share of the catalogue's items that are in any list.
double coverage(const std::vector<std::vector<int32_t>>& lists, int64_t item_count);

// Share of the lists' places whose item lies in a cluster of none of the user's past items.
//   histories     [lists] each user's past items
//   item_cluster  [N]
double novelty(const std::vector<std::vector<int32_t>>& lists,
               const std::vector<std::vector<int32_t>>& histories,
               const std::vector<int32_t>& item_cluster);

struct Difference {
  double mean;
  double low, high;  // 95%
};

// The mean of left - right over users, both [users], with the percentile interval of 2,000
// resamples of the users (Efron 1979; pairs are kept). Throws Error for no users and for unequal
// numbers.
Difference paired_bootstrap(const std::vector<double>& left, const std::vector<double>& right,
                            uint64_t seed);

}  // namespace serendip
