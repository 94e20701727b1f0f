// File to file; apart so that what works on a Dataset in memory links without its storage.
#include "transitions/curate.h"

#include "base/check.h"

namespace serendip {

nlohmann::json curate(const CurateOptions& options, const std::filesystem::path& data_h5,
                      const std::filesystem::path& tree_h5, const std::filesystem::path& folder) {
  const Dataset dataset = load_dataset(data_h5);
  const ClusterTree tree = load_tree(tree_h5);
  SERENDIP_CHECK(tree.item_traffic.size() == dataset.item_id.size(),
                 "{} has {} items, {} has {}; run `serendip cluster` again", tree_h5.string(),
                 tree.item_traffic.size(), data_h5.string(), dataset.item_id.size());
  return curate_dataset(options, dataset, tree, folder);
}

}  // namespace serendip
