#include "recsys/policy_folder.h"

#include "base/check.h"
#include "recsys/bandit_policy.h"
#include "recsys/keyword_policy.h"
#include "recsys/model_folder.h"
#include "recsys/recommender_io.h"
#include "recsys/simple_policies.h"
#include "recsys/two_tower_policy.h"

namespace serendip {
namespace fs = std::filesystem;

bool needs_clusters(const fs::path& folder) { return model_type_of(folder) == kKeywordModelType; }

std::unique_ptr<Policy> load_policy(const fs::path& folder, const ClusterTree& tree,
                                    const Dataset& data) {
  const std::string type = model_type_of(folder);
  if (type == kSequenceModelType)
    return std::make_unique<Recommender>(Recommender::load(folder, tree));
  if (type == kBanditModelType)
    return std::make_unique<BanditPolicy>(BanditPolicy::load(
        folder, tree,
        std::make_shared<const Recommender>(Recommender::load(folder / kSequenceFolder, tree))));
  const ItemOrder order = make_item_order(tree);
  if (type == kTwoTowerModelType)
    return std::make_unique<TwoTowerPolicy>(tree, load_two_tower(folder, order));
  const ModelFolder saved(folder, type, order);
  if (type == kPopularityModelType) {
    const at::Tensor count = saved.tensor("count", {order.size()}, at::kLong);
    const auto* begin = count.const_data_ptr<int64_t>();
    return std::make_unique<PopularityPolicy>(tree,
                                              std::vector<int64_t>(begin, begin + order.size()));
  }
  if (type == kRandomModelType)
    return std::make_unique<RandomPolicy>(tree, static_cast<uint64_t>(saved.whole("seed", 0)));
  SERENDIP_CHECK(type == kKeywordModelType, "{}: model_type: no policy is called \"{}\"",
                 (folder / "config.json").string(), type);
  return std::make_unique<KeywordPolicy>(tree, data.item_title, data.item_text);
}

}  // namespace serendip
