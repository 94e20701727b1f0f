#include "clusters/redeal.h"

#include <cstdlib>

namespace serendip {
namespace {

void redeal_pair(PartitionState& state, int32_t a, int32_t b) {
  std::vector<int32_t> items = state.members(a);
  items.insert(items.end(), state.members(b).begin(), state.members(b).end());
  std::sort(items.begin(), items.end(), [&](int32_t x, int32_t y) {
    const int64_t weight_x = state.item_weight(x);
    const int64_t weight_y = state.item_weight(y);
    return weight_x != weight_y ? weight_x > weight_y : x < y;
  });
  const int64_t heaviest = items.empty() ? 0 : state.item_weight(items[0]);
  int64_t difference = 0;  // weight dealt to a, less that dealt to b; within ± heaviest
  for (size_t i = 0; i < items.size(); i += 2) {
    const int32_t first = items[i];
    const int32_t second = i + 1 < items.size() ? items[i + 1] : -1;
    const int64_t step = state.item_weight(first) - (second < 0 ? 0 : state.item_weight(second));
    int64_t leaning = state.link_to(first, a) - state.link_to(first, b);
    if (second >= 0) leaning += state.link_to(second, b) - state.link_to(second, a);
    bool first_to_a = leaning > 0 || (leaning == 0 && state.part_of(first) == a);
    if (std::abs(difference + (first_to_a ? step : -step)) > heaviest) first_to_a = !first_to_a;
    difference += first_to_a ? step : -step;
    if (state.part_of(first) != (first_to_a ? a : b)) state.move(first, first_to_a ? a : b);
    if (second < 0) continue;
    if (state.part_of(second) != (first_to_a ? b : a)) state.move(second, first_to_a ? b : a);
  }
}

// The first part that is furthest from its bounds, -1 when all hold.
template <typename Distance>
int32_t worst_part(const PartitionState& state, const Distance& distance) {
  int32_t worst = -1;
  for (int32_t c = 0; c < state.parts(); ++c) {
    if (distance(c) > (worst < 0 ? 0 : distance(worst))) worst = c;
  }
  return worst;
}

template <typename Value>
int32_t part_with_most(const PartitionState& state, const Value& value) {
  int32_t best = 0;
  for (int32_t c = 1; c < state.parts(); ++c) {
    if (value(c) > value(best)) best = c;
  }
  return best;
}

}  // namespace

bool redeal(PartitionState& state) {
  const auto items = [&](int32_t c) { return state.items(c); };
  while (true) {
    const int32_t worst = worst_part(state, [&](int32_t c) { return state.missing_items(c); });
    if (worst < 0) break;
    const int32_t fullest = part_with_most(state, items);
    if (state.items(fullest) < state.items(worst) + 2) return false;
    redeal_pair(state, worst, fullest);
  }
  while (true) {
    const int32_t worst =
        worst_part(state, [&](int32_t c) { return state.excess(c) + state.deficit(c); });
    if (worst < 0) return true;
    const int64_t sign = state.excess(worst) > 0 ? -1 : 1;
    const int32_t other = part_with_most(state, [&](int32_t c) { return sign * state.weight(c); });
    const int64_t before = std::abs(state.weight(worst) - state.weight(other));
    redeal_pair(state, worst, other);
    if (std::abs(state.weight(worst) - state.weight(other)) >= before) return false;
  }
}

}  // namespace serendip
