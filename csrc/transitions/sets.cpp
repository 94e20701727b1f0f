#include "transitions/sets.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/random.h"

namespace serendip {
namespace {

struct CountedContext {
  int64_t count;
  std::vector<int32_t> context;
};

// `best`: up to `most` by falling count; the row comes after equal ones.
void keep_best(std::vector<CountedContext>& best, const TransitionSet& rows, int64_t row,
               int64_t most) {
  const int64_t count = rows.count[static_cast<size_t>(row)];
  const bool is_full = static_cast<int64_t>(best.size()) == most;
  if (is_full && best.back().count >= count) return;
  if (is_full) best.pop_back();
  const auto place = std::find_if(best.begin(), best.end(),
                                  [&](const CountedContext& other) { return other.count < count; });
  const int32_t* context = rows.context_of(row);
  best.insert(place, {count, {context, context + rows.context_size}});
}

// `size` distinct numbers below `bound`, ascending (Floyd's algorithm).
std::set<int64_t> distinct_numbers(int64_t bound, int64_t size, uint64_t seed) {
  std::set<int64_t> drawn;
  Random random(seed);
  for (int64_t last = bound - size; last < bound; ++last) {
    const auto number = static_cast<int64_t>(random.below(static_cast<uint64_t>(last) + 1));
    if (!drawn.insert(number).second) drawn.insert(last);
  }
  return drawn;
}

}  // namespace

BalancedSet balanced_set(const TransitionSource& all, int64_t clusters, int64_t per_label) {
  std::vector<std::vector<CountedContext>> best(static_cast<size_t>(clusters));
  BalancedSet result;
  TransitionSet block;
  while (all(block)) {
    result.set.context_size = block.context_size;
    for (int64_t row = 0; row < block.size(); ++row) {
      const int32_t label = block.label[static_cast<size_t>(row)];
      SERENDIP_CHECK(label >= 0 && label < clusters, "a transition to label {}, expected 0 to {}",
                     label, clusters - 1);
      keep_best(best[static_cast<size_t>(label)], block, row, per_label);
    }
  }
  for (size_t label = 0; label < best.size(); ++label) {
    for (const CountedContext& row : best[label]) {
      result.set.context.insert(result.set.context.end(), row.context.begin(), row.context.end());
      result.set.label.push_back(static_cast<int32_t>(label));
      result.set.count.push_back(row.count);
    }
    const auto available = static_cast<int64_t>(best[label].size());
    if (available == 0)
      result.coverage.no_labels.push_back(static_cast<int32_t>(label));
    else if (available < per_label)
      result.coverage.short_labels.push_back(static_cast<int32_t>(label));
  }
  return result;
}

TransitionSet random_control(const TransitionSource& all, int64_t occurrences, int64_t size,
                             uint64_t seed) {
  SERENDIP_CHECK(size <= occurrences, "cannot draw {} transitions from {}", size, occurrences);
  const std::set<int64_t> drawn = distinct_numbers(occurrences, size, seed);
  auto next = drawn.begin();
  TransitionSet result, block;
  int64_t row_end = 0;  // occurrences up to and with this row
  while (next != drawn.end() && all(block)) {
    result.context_size = block.context_size;
    for (int64_t row = 0; row < block.size() && next != drawn.end(); ++row) {
      row_end += block.count[static_cast<size_t>(row)];
      if (*next >= row_end) continue;
      const int32_t* context = block.context_of(row);
      result.context.insert(result.context.end(), context, context + block.context_size);
      result.label.push_back(block.label[static_cast<size_t>(row)]);
      result.count.push_back(0);
      for (; next != drawn.end() && *next < row_end; ++next) ++result.count.back();
    }
  }
  return result;
}

}  // namespace serendip
