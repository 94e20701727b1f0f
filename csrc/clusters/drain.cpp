#include "clusters/drain.h"

#include <optional>
#include <queue>

namespace serendip {
namespace {

struct Candidate {
  double cost;
  int32_t item;
  int32_t to;
};

struct Dearer {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.cost != b.cost ? a.cost > b.cost : a.item > b.item;
  }
};

// Cheapest first. Costs change as items move, so the top is priced again before it is used.
class Candidates {
 public:
  void add(const std::optional<Candidate>& candidate) {
    if (candidate) queue_.push(*candidate);
  }
  // `price` gives an item's present candidate, or none when it can no longer move.
  template <typename Price>
  std::optional<Candidate> take(const Price& price) {
    while (!queue_.empty()) {
      const Candidate top = queue_.top();
      queue_.pop();
      const std::optional<Candidate> now = price(top.item);
      if (!now) continue;
      if (queue_.empty() || now->cost <= top.cost || !Dearer()(*now, queue_.top())) return now;
      queue_.push(*now);
    }
    return std::nullopt;
  }

 private:
  std::priority_queue<Candidate, std::vector<Candidate>, Dearer> queue_;
};

double cost_of(int64_t added_cut, int64_t relief) {
  return static_cast<double>(added_cut) / static_cast<double>(relief);
}

// What moving the item into `into` would cost; none when it does not help or may not.
std::optional<Candidate> entry(PartitionState& state, int32_t item, int32_t into) {
  if (state.part_of(item) == into || !state.may_leave(item)) return std::nullopt;
  if (!state.may_enter(item, into)) return std::nullopt;
  const int64_t deficit = state.deficit(into);
  const int64_t relief = deficit > 0 ? std::min(state.item_weight(item), deficit) : 1;
  if (relief <= 0) return std::nullopt;
  int64_t own = 0;
  int64_t inward = 0;
  for (const PartitionState::Link& link : state.links(item)) {
    if (link.part == state.part_of(item)) own = link.weight;
    if (link.part == into) inward = link.weight;
  }
  return Candidate{cost_of(own - inward, relief), item, into};
}

// The cheapest item of the fullest part that has one to give.
std::optional<Candidate> entry_from_anywhere(PartitionState& state, int32_t into) {
  const bool by_weight = state.deficit(into) > 0;
  const auto fullness = [&](int32_t c) { return by_weight ? state.weight(c) : state.items(c); };
  std::vector<int32_t> order;
  for (int32_t c = 0; c < state.parts(); ++c) {
    if (c != into) order.push_back(c);
  }
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return fullness(a) != fullness(b) ? fullness(a) > fullness(b) : a < b;
  });
  for (const int32_t donor : order) {
    std::optional<Candidate> best;
    for (const int32_t item : state.members(donor)) {
      const std::optional<Candidate> candidate = entry(state, item, into);
      if (candidate && (!best || Dearer()(*best, *candidate))) best = candidate;
    }
    if (best) return best;
  }
  return std::nullopt;
}

template <typename Visit>
void for_each_neighbor(const Graph& graph, int32_t item, const Visit& visit) {
  const auto i = static_cast<size_t>(item);
  for (auto e = static_cast<size_t>(graph.offset[i]); e < static_cast<size_t>(graph.offset[i + 1]);
       ++e) {
    visit(graph.neighbor[e]);
  }
}

}  // namespace

void shed_border(PartitionState& state, int32_t from, const Admits& admits) {
  const auto price = [&](int32_t item) -> std::optional<Candidate> {
    if (state.part_of(item) != from || !state.may_leave(item)) return std::nullopt;
    const int64_t relief = std::min(state.item_weight(item), state.excess(from));
    if (relief <= 0) return std::nullopt;
    int64_t own = 0;
    std::optional<PartitionState::Link> best;
    for (const PartitionState::Link& link : state.links(item)) {
      if (link.part == from) {
        own = link.weight;
      } else if (admits(item, link.part) &&
                 (!best || link.weight > best->weight ||
                  (link.weight == best->weight && link.part < best->part))) {
        best = link;
      }
    }
    if (!best) return std::nullopt;
    return Candidate{cost_of(own - best->weight, relief), item, best->part};
  };
  Candidates candidates;
  for (const int32_t item : state.members(from)) candidates.add(price(item));
  while (state.excess(from) > 0) {
    const std::optional<Candidate> next = candidates.take(price);
    if (!next) return;
    state.move(next->item, next->to);
    for_each_neighbor(state.graph(), next->item,
                      [&](int32_t other) { candidates.add(price(other)); });
  }
}

void shed_anywhere(PartitionState& state, int32_t from) {
  int32_t lightest = 0;
  const auto price = [&](int32_t item) -> std::optional<Candidate> {
    if (state.part_of(item) != from || !state.may_leave(item)) return std::nullopt;
    const int64_t relief = std::min(state.item_weight(item), state.excess(from));
    if (relief <= 0 || !state.may_enter(item, lightest)) return std::nullopt;
    return Candidate{cost_of(state.link_to(item, from), relief), item, lightest};
  };
  while (state.excess(from) > 0) {
    for (int32_t c = 0; c < state.parts(); ++c) {
      if (state.weight(c) < state.weight(lightest)) lightest = c;
    }
    std::optional<Candidate> best;
    for (const int32_t item : state.members(from)) {
      const std::optional<Candidate> candidate = price(item);
      if (candidate && (!best || Dearer()(*best, *candidate))) best = candidate;
    }
    if (!best) return;
    state.move(best->item, lightest);
  }
}

void fill(PartitionState& state, int32_t into) {
  Candidates candidates;
  const auto price = [&](int32_t item) { return entry(state, item, into); };
  const auto add_neighbors = [&](int32_t item) {
    for_each_neighbor(state.graph(), item, [&](int32_t other) { candidates.add(price(other)); });
  };
  for (const int32_t item : state.members(into)) add_neighbors(item);
  while (state.deficit(into) > 0 || state.missing_items(into) > 0) {
    std::optional<Candidate> next = candidates.take(price);
    if (!next) next = entry_from_anywhere(state, into);
    if (!next) return;
    state.move(next->item, into);
    add_neighbors(next->item);
  }
}

}  // namespace serendip
