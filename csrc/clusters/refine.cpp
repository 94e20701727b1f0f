#include "clusters/refine.h"

#include <optional>
#include <queue>

#include "clusters/drain.h"

namespace serendip {
namespace {

constexpr int kSpreadRounds = 32;

// Number of parts between each part and the nearest one below its target, 0 for those; -1 where
// none can be reached.
std::vector<int32_t> distance_to_room(const PartitionState& state) {
  std::vector<int32_t> distance(static_cast<size_t>(state.parts()), -1);
  std::queue<int32_t> open;
  for (int32_t c = 0; c < state.parts(); ++c) {
    if (!state.below_target(c)) continue;
    distance[static_cast<size_t>(c)] = 0;
    open.push(c);
  }
  const Graph& graph = state.graph();
  for (; !open.empty(); open.pop()) {
    const int32_t c = open.front();
    for (const int32_t item : state.members(c)) {
      for (auto e = static_cast<size_t>(graph.offset[static_cast<size_t>(item)]);
           e < static_cast<size_t>(graph.offset[static_cast<size_t>(item) + 1]); ++e) {
        const int32_t other = state.part_of(graph.neighbor[e]);
        if (distance[static_cast<size_t>(other)] >= 0) continue;
        distance[static_cast<size_t>(other)] = distance[static_cast<size_t>(c)] + 1;
        open.push(other);
      }
    }
  }
  return distance;
}

// One wave: the farthest parts shed their excess on parts nearer to room, which pass it on. Parts
// on the way may be above their bound until their own turn.
void spread_excess(PartitionState& state, const std::vector<int32_t>& distance) {
  const int32_t farthest = *std::max_element(distance.begin(), distance.end());
  for (int32_t step = farthest; step > 0; --step) {
    for (int32_t c = 0; c < state.parts(); ++c) {
      if (distance[static_cast<size_t>(c)] != step || state.excess(c) == 0) continue;
      shed_border(state, c, [&](int32_t item, int32_t to) {
        const int32_t rest = distance[static_cast<size_t>(to)];
        return rest >= 0 && rest < step && (rest > 0 || state.may_enter(item, to));
      });
    }
  }
}

}  // namespace

bool restore_bounds(PartitionState& state) {
  int64_t before = state.total_excess();
  for (int round = 0; round < kSpreadRounds && before > 0; ++round) {
    spread_excess(state, distance_to_room(state));
    const int64_t after = state.total_excess();
    if (after >= before) break;
    before = after;
  }
  for (int32_t c = 0; c < state.parts(); ++c) {
    if (state.excess(c) > 0) shed_anywhere(state, c);
  }
  for (int32_t c = 0; c < state.parts(); ++c) {
    if (state.deficit(c) > 0 || state.missing_items(c) > 0) fill(state, c);
  }
  return state.holds();
}

void lower_cut(PartitionState& state, int passes) {
  for (int pass = 0; pass < passes; ++pass) {
    int64_t moved = 0;
    for (int32_t item = 0; item < state.item_count(); ++item) {
      const int32_t from = state.part_of(item);
      const std::vector<PartitionState::Link>& links = state.links(item);
      if (links.empty() || (links.size() == 1 && links[0].part == from)) continue;
      if (!state.may_leave(item)) continue;
      int64_t own = 0;
      std::optional<PartitionState::Link> best;
      for (const PartitionState::Link& link : links) {
        if (link.part == from) {
          own = link.weight;
        } else if (state.may_enter(item, link.part) &&
                   (!best || link.weight > best->weight ||
                    (link.weight == best->weight && link.part < best->part))) {
          best = link;
        }
      }
      if (!best || best->weight <= own) continue;
      state.move(item, best->part);
      ++moved;
    }
    if (moved == 0) break;
  }
}

}  // namespace serendip
