#include "transitions/counting.h"

#include <algorithm>
#include <numeric>

namespace serendip {

TransitionSet count_rows(int64_t context_size, const std::vector<int32_t>& context,
                         const std::vector<int32_t>& label, const std::vector<int64_t>& count) {
  const auto compare = [&](int64_t a, int64_t b) {
    const int32_t* left = context.data() + a * context_size;
    const int32_t* right = context.data() + b * context_size;
    for (int64_t k = 0; k < context_size; ++k) {
      if (left[k] != right[k]) return left[k] < right[k] ? -1 : 1;
    }
    const int32_t label_a = label[static_cast<size_t>(a)];
    const int32_t label_b = label[static_cast<size_t>(b)];
    return label_a == label_b ? 0 : label_a < label_b ? -1 : 1;
  };
  std::vector<int64_t> order(label.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return compare(a, b) < 0; });

  TransitionSet set;
  set.context_size = context_size;
  for (size_t i = 0; i < order.size(); ++i) {
    const int64_t row = order[i];
    if (i == 0 || compare(order[i - 1], row) != 0) {
      const auto begin = context.begin() + row * context_size;
      set.context.insert(set.context.end(), begin, begin + context_size);
      set.label.push_back(label[static_cast<size_t>(row)]);
      set.count.push_back(0);
    }
    set.count.back() += count[static_cast<size_t>(row)];
  }
  return set;
}

}  // namespace serendip
