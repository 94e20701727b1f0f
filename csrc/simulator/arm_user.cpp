#include "simulator/arm_user.h"

namespace serendip {

void ArmUser::add(const Interaction& event, const std::vector<int32_t>& cluster) {
  const float reward = event.liked ? 1.0f : 0.0f;
  const auto append = [&](History& history) {
    history.item.push_back(event.item);
    history.time.push_back(event.time);
    history.reward.push_back(reward);
  };
  append(shown);
  if (event.liked) append(liked);
  const auto item = static_cast<size_t>(event.item);
  seen[item] = true;
  if (!met.empty()) met[static_cast<size_t>(cluster[item])] = true;
}

}  // namespace serendip
