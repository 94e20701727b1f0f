// What a run folder holds, for the sections of its page.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "clusters/tree.h"
#include "infer/label_distribution.h"
#include "infer/pair_table.h"
#include "report/json_field.h"

namespace serendip {

struct RunArtifacts {
  std::filesystem::path folder;
  std::vector<std::pair<std::string, nlohmann::json>> manifests;  // in the order of a run
  std::optional<ClusterTree> tree;
  std::vector<std::string> item_title;  // [N]; empty without data.h5
  std::optional<PairTable> table;
  std::optional<LabelDistribution> labels;  // of the table

  // "runs/x/manifests/import.json" as a field; nothing for a stage that has not run.
  std::optional<JsonField> manifest(const std::string& stage) const;
  std::optional<JsonField> result(const std::string& stage) const;  // of that stage
};

// The artifacts of `folder` that the page shows and that exist, other stages' manifests included.
std::vector<std::filesystem::path> report_inputs(const std::filesystem::path& folder,
                                                 const std::vector<std::string>& stages);

// Throws Error naming the file that is damaged, or a table of another tree.
RunArtifacts load_run_artifacts(const std::filesystem::path& folder,
                                const std::vector<std::string>& stages);

}  // namespace serendip
