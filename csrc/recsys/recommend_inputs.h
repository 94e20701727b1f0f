// What every policy is trained on and measured by.
#pragma once

#include <filesystem>
#include <vector>

#include "clusters/tree.h"
#include "data/dataset.h"
#include "recsys/item_order.h"
#include "recsys/sequences.h"
#include "recsys/train.h"

namespace serendip {

struct RecommendInputs {
  Dataset data;
  ClusterTree tree;
  ItemOrder order;
  HeldOut events;  // in the tree's order
};

// Holds out what options.split says. Throws Error for artifacts that do not fit, and when no user
// has held-out events (3 events for leave-one-out).
RecommendInputs load_recommend_inputs(const RecommendOptions& options,
                                      const std::filesystem::path& data_h5,
                                      const std::filesystem::path& tree_h5);

// [N] training events of each item.
std::vector<int64_t> counts_by_item(const RecommendInputs& inputs);

}  // namespace serendip
