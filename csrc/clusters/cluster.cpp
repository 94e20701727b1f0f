// File to file; apart so that what works on a Dataset in memory links without its storage.
#include "clusters/cluster.h"

namespace serendip {

nlohmann::json cluster_items(const ClusterOptions& options, const std::filesystem::path& data_h5,
                             const std::filesystem::path& tree_h5) {
  const ClusterResult result = cluster_dataset(options, load_dataset(data_h5), data_h5.string());
  save_tree(result.tree, tree_h5);
  return result.report;
}

}  // namespace serendip
