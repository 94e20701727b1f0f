#include "infer/server/lookups.h"

#include <algorithm>

#include "infer/server/problem.h"

namespace serendip::server {

using Json = nlohmann::ordered_json;

nlohmann::ordered_json described_cluster(const Catalogue& catalogue, int32_t cluster) {
  return {{"cluster", cluster},
          {"description", catalogue.interests().description[static_cast<size_t>(cluster)]}};
}

nlohmann::ordered_json entry_probabilities(const TableEntry& entry) {
  return {{"log_prob", entry.log_prob},
          {"probability_low", entry.probability_low},
          {"probability_high", entry.probability_high}};
}

nlohmann::ordered_json interests_answer(const Snapshot& snapshot, const InterestsRequest& request) {
  const Catalogue& catalogue = snapshot.catalogue;
  const auto size = static_cast<int64_t>(request.context.size());
  if (size != snapshot.table.context_size())
    refuse(404, "context: expected {} clusters, got {}", snapshot.table.context_size(), size);
  Json context = Json::array(), interests = Json::array();
  for (const int32_t cluster : request.context) {
    if (cluster >= snapshot.table.cluster_count())
      refuse(404, "context: expected clusters from 0 to {}, got {}",
             snapshot.table.cluster_count() - 1, cluster);
    context.push_back(described_cluster(catalogue, cluster));
  }
  const std::optional<int64_t> row = snapshot.table.find(request.context);
  if (!row) refuse(404, "context: expected one that the table lists, got another");
  for (int64_t rank = 0; rank < request.labels; ++rank) {
    const std::optional<TableEntry> entry = snapshot.table.entry(*row, rank);
    if (!entry) break;
    interests.push_back(described_cluster(catalogue, entry->label));
    interests.back().update(entry_probabilities(*entry));
  }
  return {{"version", snapshot.version},
          {"context", std::move(context)},
          {"interests", std::move(interests)}};
}

nlohmann::ordered_json cluster_answer(const Snapshot& snapshot, int32_t cluster) {
  constexpr size_t kSampleItems = 10;
  const Catalogue& catalogue = snapshot.catalogue;
  const TreeLevel& level = catalogue.interests();
  if (cluster >= level.cluster_count())
    refuse(404, "cluster: expected 0 to {}, got {}", level.cluster_count() - 1, cluster);
  const std::span<const int32_t> items = catalogue.popular_items(cluster);
  Json samples = Json::array();
  for (const int32_t item : items.first(std::min(items.size(), kSampleItems)))
    samples.push_back({{"item", catalogue.item_id(item)}, {"title", catalogue.item_title(item)}});
  Json answer = {{"version", snapshot.version}};
  answer.update(described_cluster(catalogue, cluster));
  answer["parent"] = level.parent[static_cast<size_t>(cluster)];
  answer["traffic"] = level.traffic[static_cast<size_t>(cluster)];
  answer["items"] = items.size();
  answer["sample_items"] = std::move(samples);
  return answer;
}

nlohmann::ordered_json clusters_answer(const Snapshot& snapshot) {
  Json clusters = Json::array();
  for (int32_t cluster = 0; cluster < snapshot.table.cluster_count(); ++cluster)
    clusters.push_back(described_cluster(snapshot.catalogue, cluster));
  return {{"version", snapshot.version}, {"clusters", std::move(clusters)}};
}

}  // namespace serendip::server
