#include "clusters/partition_state.h"

namespace serendip {

PartitionState::PartitionState(const Graph& graph, const std::vector<int64_t>& item_weight,
                               const PartBounds& bounds, std::vector<int32_t>& part)
    : graph_(graph),
      item_weight_(item_weight),
      bounds_(bounds),
      part_(part),
      weight_(bounds.target.size(), 0),
      members_(bounds.target.size()),
      position_(part.size()),
      link_slot_(bounds.target.size(), -1) {
  for (size_t i = 0; i < part.size(); ++i) {
    const auto c = static_cast<size_t>(part[i]);
    weight_[c] += item_weight[i];
    position_[i] = static_cast<int32_t>(members_[c].size());
    members_[c].push_back(static_cast<int32_t>(i));
  }
}

void PartitionState::move(int32_t item, int32_t to) {
  const auto i = static_cast<size_t>(item);
  const auto from = static_cast<size_t>(part_[i]);
  std::vector<int32_t>& old_members = members_[from];
  const auto place = static_cast<size_t>(position_[i]);
  old_members[place] = old_members.back();
  position_[static_cast<size_t>(old_members[place])] = position_[i];
  old_members.pop_back();

  std::vector<int32_t>& new_members = members_[static_cast<size_t>(to)];
  position_[i] = static_cast<int32_t>(new_members.size());
  new_members.push_back(item);
  weight_[from] -= item_weight_[i];
  weight_[static_cast<size_t>(to)] += item_weight_[i];
  part_[i] = to;
}

const std::vector<PartitionState::Link>& PartitionState::links(int32_t item) {
  for (const Link& link : links_) link_slot_[static_cast<size_t>(link.part)] = -1;
  links_.clear();
  const auto i = static_cast<size_t>(item);
  for (auto e = static_cast<size_t>(graph_.offset[i]);
       e < static_cast<size_t>(graph_.offset[i + 1]); ++e) {
    const int32_t other = part_[static_cast<size_t>(graph_.neighbor[e])];
    int32_t& slot = link_slot_[static_cast<size_t>(other)];
    if (slot < 0) {
      slot = static_cast<int32_t>(links_.size());
      links_.push_back({other, 0});
    }
    links_[static_cast<size_t>(slot)].weight += graph_.weight[e];
  }
  return links_;
}

int64_t PartitionState::link_to(int32_t item, int32_t part) {
  for (const Link& link : links(item)) {
    if (link.part == part) return link.weight;
  }
  return 0;
}

bool PartitionState::holds() const {
  for (int32_t c = 0; c < parts(); ++c) {
    if (!part_holds(c)) return false;
  }
  return true;
}

int64_t PartitionState::total_excess() const {
  int64_t sum = 0;
  for (int32_t c = 0; c < parts(); ++c) sum += excess(c);
  return sum;
}

}  // namespace serendip
