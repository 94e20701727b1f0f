#include "simulator/cohort.h"

namespace serendip {
namespace {

std::vector<int64_t> world_of_users(const std::vector<const LivedWorld*>& worlds) {
  std::vector<int64_t> world;
  for (size_t number = 0; number < worlds.size(); ++number)
    world.insert(world.end(), worlds[number]->arms.begin()->second.size(),
                 static_cast<int64_t>(number));
  return world;
}

}  // namespace

LivedWorld parse_world(const nlohmann::json& world) {
  LivedWorld result;
  result.part = world.at("part");
  result.seed = world.at("seed");
  result.clusters = world.at("clusters");
  result.interactions = world.at("interactions");
  result.gamma = world.at("gamma");
  result.arm_seconds = world.at("arm_seconds");
  for (const auto& [name, outcomes] : world.at("arms").items())
    result.arms[name] = outcomes_from_json(outcomes);
  return result;
}

Cohort::Cohort(const std::vector<const LivedWorld*>& worlds, uint64_t seed)
    : worlds_(worlds), bootstrap_(world_of_users(worlds), seed) {}

}  // namespace serendip
