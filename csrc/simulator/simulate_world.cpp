#include "simulator/simulate_world.h"

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "base/log.h"
#include "simulator/world_files.h"

namespace serendip {
namespace fs = std::filesystem;

nlohmann::json simulate_world(const WorldOptions& options, const fs::path& folder) {
  const World world = make_world(options);
  LogCounts counts;
  write_folder(folder, [&](const fs::path& files) {
    write_items(world, files / kWorldItems);
    if (options.dimensions > 0) write_vectors(world, files / kWorldVectors);
    write_truth(world, files / kWorldTruth);
    counts = write_log(world, files / kWorldEvents);
  });
  const std::vector<RelatedTopic>& links = world.related.links();
  const auto hidden = std::count_if(links.begin(), links.end(), [](auto it) { return it.hidden; });
  const double events = std::max<double>(1, static_cast<double>(counts.events));
  const double rate = std::round(static_cast<double>(counts.events) / counts.seconds);
  spdlog::info("{} events of {} users ({:.0f} a second)", counts.events, options.users, rate);
  return {{"users", options.users},
          {"active_users", counts.active_users},
          {"items", options.items},
          {"topics", options.topics},
          {"related_pairs", links.size() / 2},
          {"hidden_pairs", hidden / 2},
          {"events", counts.events},
          {"liked", static_cast<double>(counts.liked) / events},
          {"own_choices", static_cast<double>(counts.own_choices) / events},
          {"interactions_per_second", rate}};
}

}  // namespace serendip
