#include "recsys/list_metrics.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/random.h"

namespace serendip {
namespace {

constexpr int kResamples = 2000;
constexpr double kOutside = 0.025;  // on either side of the interval

}  // namespace

std::vector<int32_t> first_items(const float* scores, int64_t count, int64_t length,
                                 const std::vector<int32_t>& seen) {
  const std::set<int32_t> left_out(seen.begin(), seen.end());
  const auto before = [&](int32_t left, int32_t right) {
    return scores[left] > scores[right] || (scores[left] == scores[right] && left < right);
  };
  std::vector<int32_t> kept;  // a heap whose front is the last of the best so far
  for (int32_t item = 0; item < count; ++item) {
    const bool full = static_cast<int64_t>(kept.size()) == length;
    if ((full && !before(item, kept.front())) || left_out.contains(item)) continue;
    if (full) {
      std::pop_heap(kept.begin(), kept.end(), before);
      kept.pop_back();
    }
    kept.push_back(item);
    std::push_heap(kept.begin(), kept.end(), before);
  }
  std::sort_heap(kept.begin(), kept.end(), before);
  return kept;
}

double coverage(const std::vector<std::vector<int32_t>>& lists, int64_t item_count) {
  std::vector<bool> listed(static_cast<size_t>(item_count));
  for (const auto& list : lists)
    for (const int32_t item : list) listed[static_cast<size_t>(item)] = true;
  return static_cast<double>(std::count(listed.begin(), listed.end(), true)) /
         static_cast<double>(item_count);
}

double novelty(const std::vector<std::vector<int32_t>>& lists,
               const std::vector<std::vector<int32_t>>& histories,
               const std::vector<int32_t>& item_cluster) {
  int64_t novel = 0, places = 0;
  for (size_t user = 0; user < lists.size(); ++user) {
    std::set<int32_t> known;
    for (const int32_t item : histories[user])
      known.insert(item_cluster[static_cast<size_t>(item)]);
    for (const int32_t item : lists[user])
      novel += !known.contains(item_cluster[static_cast<size_t>(item)]);
    places += static_cast<int64_t>(lists[user].size());
  }
  return places == 0 ? 0.0 : static_cast<double>(novel) / static_cast<double>(places);
}

Difference paired_bootstrap(const std::vector<double>& left, const std::vector<double>& right,
                            uint64_t seed) {
  SERENDIP_CHECK(!left.empty() && left.size() == right.size(),
                 "bootstrap: expected values of the same users, at least one, got {} and {}",
                 left.size(), right.size());
  const auto users = static_cast<double>(left.size());
  double mean = 0.0;
  for (size_t user = 0; user < left.size(); ++user) mean += (left[user] - right[user]) / users;
  std::vector<double> means(kResamples);
  for (size_t resample = 0; resample < means.size(); ++resample) {
    Random random(seed, resample);
    for (size_t draw = 0; draw < left.size(); ++draw) {
      const uint64_t user = random.below(left.size());
      means[resample] += (left[user] - right[user]) / users;
    }
  }
  std::sort(means.begin(), means.end());
  const auto outside = static_cast<size_t>(kOutside * kResamples);
  return {mean, means[outside], means[means.size() - 1 - outside]};
}

}  // namespace serendip
