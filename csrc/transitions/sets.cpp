#include "transitions/sets.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "base/check.h"
#include "base/random.h"
#include "transitions/counting.h"

namespace serendip {
namespace {

void append_row(const TransitionSet& from, int64_t row, int64_t count, TransitionSet& to) {
  to.context.insert(to.context.end(), from.context_of(row),
                    from.context_of(row) + from.context_size);
  to.label.push_back(from.label[static_cast<size_t>(row)]);
  to.count.push_back(count);
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

BalancedSet balanced_set(const TransitionSet& all, int64_t clusters, int64_t per_label) {
  std::vector<std::vector<int64_t>> rows(static_cast<size_t>(clusters));
  for (int64_t row = 0; row < all.size(); ++row) {
    const int32_t label = all.label[static_cast<size_t>(row)];
    SERENDIP_CHECK(label >= 0 && label < clusters, "label {} of transition {}, expected 0 to {}",
                   label, row, clusters - 1);
    rows[static_cast<size_t>(label)].push_back(row);
  }
  BalancedSet result;
  result.set.context_size = all.context_size;
  for (size_t label = 0; label < rows.size(); ++label) {
    std::vector<int64_t>& mine = rows[label];
    std::sort(mine.begin(), mine.end(), [&](int64_t a, int64_t b) {
      const int64_t count_a = all.count[static_cast<size_t>(a)];
      const int64_t count_b = all.count[static_cast<size_t>(b)];
      if (count_a != count_b) return count_a > count_b;
      return std::lexicographical_compare(all.context_of(a), all.context_of(a) + all.context_size,
                                          all.context_of(b), all.context_of(b) + all.context_size);
    });
    const auto available = static_cast<int64_t>(mine.size());
    for (int64_t i = 0; i < std::min(per_label, available); ++i) {
      const int64_t row = mine[static_cast<size_t>(i)];
      append_row(all, row, all.count[static_cast<size_t>(row)], result.set);
    }
    if (available == 0) {
      result.coverage.no_labels.push_back(static_cast<int32_t>(label));
    } else if (available < per_label) {
      result.coverage.short_labels.push_back(static_cast<int32_t>(label));
    }
  }
  return result;
}

TransitionSet random_control(const TransitionSet& all, int64_t size, uint64_t seed) {
  const int64_t total = std::accumulate(all.count.begin(), all.count.end(), int64_t{0});
  SERENDIP_CHECK(size <= total, "cannot draw {} transitions from {}", size, total);
  TransitionSet result;
  result.context_size = all.context_size;
  int64_t row = 0;
  int64_t row_end = total > 0 ? all.count[0] : 0;  // occurrences up to and with this row
  int64_t last_row = -1;
  for (const int64_t occurrence : distinct_numbers(total, size, seed)) {
    while (occurrence >= row_end) row_end += all.count[static_cast<size_t>(++row)];
    if (row != last_row) append_row(all, row, 0, result);
    last_row = row;
    ++result.count.back();
  }
  return result;
}

TransitionSet count_occurrences(const UserTransitions& transitions) {
  return count_rows(transitions.context_size, transitions.context, transitions.label,
                    std::vector<int64_t>(transitions.label.size(), 1));
}

}  // namespace serendip
