// A partition under change: who is where, what each part weighs, and what a move would cost.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "clusters/graph.h"

namespace serendip {

// What a part may hold. Weights are integers, so that sums are exact and a bound holds or does not.
struct PartBounds {
  std::vector<int64_t> lower, upper;  // [parts] of the weight
  std::vector<int64_t> target;        // [parts] the weight it would have in perfect balance
  std::vector<int64_t> min_items;     // [parts]

  int64_t parts() const { return static_cast<int64_t>(target.size()); }
};

// Keeps references to graph, weights, bounds and part: they must outlive it.
class PartitionState {
 public:
  struct Link {
    int32_t part;
    int64_t weight;
  };

  // part[item] in [0, bounds.parts()); changed in place by move().
  PartitionState(const Graph& graph, const std::vector<int64_t>& item_weight,
                 const PartBounds& bounds, std::vector<int32_t>& part);

  void move(int32_t item, int32_t to);

  // The parts that the item's neighbours are in, in order of first neighbour, with summed edge
  // weight. Valid until the next call.
  const std::vector<Link>& links(int32_t item);
  // Of the item to one part among its links.
  int64_t link_to(int32_t item, int32_t part);

  int64_t parts() const { return bounds_.parts(); }
  int64_t item_count() const { return static_cast<int64_t>(part_.size()); }
  int32_t part_of(int32_t item) const { return part_[static_cast<size_t>(item)]; }
  int64_t item_weight(int32_t item) const { return item_weight_[static_cast<size_t>(item)]; }
  int64_t weight(int32_t c) const { return weight_[static_cast<size_t>(c)]; }
  int64_t items(int32_t c) const { return static_cast<int64_t>(members(c).size()); }
  const std::vector<int32_t>& members(int32_t c) const { return members_[static_cast<size_t>(c)]; }
  const Graph& graph() const { return graph_; }

  // How far a part is from its bounds; 0 when it keeps them.
  int64_t excess(int32_t c) const { return std::max<int64_t>(0, weight(c) - upper(c)); }
  int64_t deficit(int32_t c) const { return std::max<int64_t>(0, lower(c) - weight(c)); }
  int64_t missing_items(int32_t c) const { return std::max<int64_t>(0, min_items(c) - items(c)); }
  bool below_target(int32_t c) const { return weight(c) < bounds_.target[static_cast<size_t>(c)]; }
  bool part_holds(int32_t c) const {
    return excess(c) == 0 && deficit(c) == 0 && missing_items(c) == 0;
  }
  bool holds() const;
  int64_t total_excess() const;

  // The item's part keeps its lower bounds without it; `to` its upper bound with it.
  bool may_leave(int32_t item) const {
    const int32_t from = part_of(item);
    return weight(from) - item_weight(item) >= lower(from) && items(from) > min_items(from);
  }
  bool may_enter(int32_t item, int32_t to) const {
    return weight(to) + item_weight(item) <= upper(to);
  }

 private:
  int64_t lower(int32_t c) const { return bounds_.lower[static_cast<size_t>(c)]; }
  int64_t upper(int32_t c) const { return bounds_.upper[static_cast<size_t>(c)]; }
  int64_t min_items(int32_t c) const { return bounds_.min_items[static_cast<size_t>(c)]; }

  const Graph& graph_;
  const std::vector<int64_t>& item_weight_;
  const PartBounds& bounds_;
  std::vector<int32_t>& part_;
  std::vector<int64_t> weight_;                // [parts]
  std::vector<std::vector<int32_t>> members_;  // [parts]
  std::vector<int32_t> position_;              // [N] place among the members of its part
  std::vector<Link> links_;
  std::vector<int32_t> link_slot_;  // [parts] place in links_, -1 when absent
};

}  // namespace serendip
