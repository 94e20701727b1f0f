#include "clusters/refine.h"

#include <optional>
#include <queue>

#include "clusters/drain.h"

namespace serendip {
namespace {

constexpr int kSpreadRounds = 32;
constexpr int64_t kPatience = 300;       // moves without gain before a climb turns back, and
constexpr int64_t kPatienceShare = 200;  // the items over this

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

struct Move {
  int64_t gain;
  int32_t item, to;
};

struct Worse {
  bool operator()(const Move& a, const Move& b) const {
    return a.gain != b.gain ? a.gain < b.gain : a.item > b.item;
  }
};

// Where the item would best go within the bounds; nothing where it has no neighbour elsewhere.
std::optional<Move> best_move(PartitionState& state, int32_t item) {
  const int32_t from = state.part_of(item);
  const std::vector<PartitionState::Link>& links = state.links(item);
  if (links.empty() || (links.size() == 1 && links[0].part == from)) return std::nullopt;
  if (!state.may_leave(item)) return std::nullopt;
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
  if (!best) return std::nullopt;
  return Move{best->weight - own, item, best->part};
}

// What a climb gained, 0 where nothing.
int64_t climb_once(PartitionState& state) {
  const int64_t patience = kPatience + state.item_count() / kPatienceShare;
  std::priority_queue<Move, std::vector<Move>, Worse> queue;
  const auto offer = [&](int32_t item) {
    if (const std::optional<Move> move = best_move(state, item)) queue.push(*move);
  };
  for (int32_t item = 0; item < state.item_count(); ++item) offer(item);
  std::vector<bool> moved(static_cast<size_t>(state.item_count()), false);
  std::vector<std::pair<int32_t, int32_t>> done;  // item, and where it was
  size_t best_at = 0;
  int64_t sum = 0, best = 0;
  while (!queue.empty() && static_cast<int64_t>(done.size() - best_at) < patience) {
    const Move top = queue.top();
    queue.pop();
    if (moved[static_cast<size_t>(top.item)]) continue;
    const std::optional<Move> now = best_move(state, top.item);
    if (!now) continue;
    if (now->gain < top.gain) {
      queue.push(*now);
      continue;
    }
    done.emplace_back(now->item, state.part_of(now->item));
    state.move(now->item, now->to);
    moved[static_cast<size_t>(now->item)] = true;
    sum += now->gain;
    if (sum > best) {
      best = sum;
      best_at = done.size();
    }
    const Graph& graph = state.graph();
    for (auto e = static_cast<size_t>(graph.offset[static_cast<size_t>(now->item)]);
         e < static_cast<size_t>(graph.offset[static_cast<size_t>(now->item) + 1]); ++e)
      if (!moved[static_cast<size_t>(graph.neighbor[e])]) offer(graph.neighbor[e]);
  }
  for (; done.size() > best_at; done.pop_back()) state.move(done.back().first, done.back().second);
  return best;
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
      const std::optional<Move> move = best_move(state, item);
      if (!move || move->gain <= 0) continue;
      state.move(item, move->to);
      ++moved;
    }
    if (moved == 0) break;
  }
}

void climb(PartitionState& state, int passes) {
  for (int pass = 0; pass < passes && climb_once(state) > 0; ++pass) {
  }
}

}  // namespace serendip
