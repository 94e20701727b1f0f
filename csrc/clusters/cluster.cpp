// File to file; apart so that what works on a Dataset in memory links without its storage.
#include "clusters/cluster.h"

#include <optional>
#include <utility>

#include "clusters/previous_tree.h"

namespace serendip {

nlohmann::json cluster_items(const ClusterOptions& options, const std::filesystem::path& data_h5,
                             const std::filesystem::path& tree_h5) {
  Dataset dataset = load_dataset(data_h5);
  std::optional<PreviousTree> previous;
  if (!options.previous.empty()) previous = load_previous_tree(options.previous, dataset.item_id);
  const ClusterResult result = cluster_dataset(options, std::move(dataset), data_h5.string(),
                                               previous ? &*previous : nullptr);
  save_tree(result.tree, tree_h5);
  return result.report;
}

}  // namespace serendip
