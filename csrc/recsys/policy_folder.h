// The folder of a policy of any kind: config.json says which, as "model_type".
#pragma once

#include <filesystem>
#include <memory>

#include "clusters/tree.h"
#include "data/dataset.h"
#include "recsys/policy.h"

namespace serendip {

// Besides those of models, each named where it is saved.
constexpr const char* kKeywordModelType = "serendip_keyword";
constexpr const char* kPopularityModelType = "serendip_popularity";
constexpr const char* kRandomModelType = "serendip_random";
constexpr const char* kSequenceFolder = "sequence";  // the sequence model in a bandit's folder

// Whether the folder's policy recommends in prescribed clusters alone.
bool needs_clusters(const std::filesystem::path& folder);

// The tree must outlive the policy; `data` is read for keyword search alone. Throws Error naming
// the file for a damaged folder and for one of another tree.
std::unique_ptr<Policy> load_policy(const std::filesystem::path& folder, const ClusterTree& tree,
                                    const Dataset& data);

}  // namespace serendip
