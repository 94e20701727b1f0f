// What a finished run has to say: cost and main result of every stage, the comparison with the
// baselines, the table's labels, the recommender, and five users.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/manifest.h"

namespace serendip {

struct FinishedStage {
  std::string name;
  StageOutcome outcome;
};

// {"stages": [{"name", "skipped", "seconds", "peak_memory", "result"}]}
nlohmann::ordered_json summary_json(const std::vector<FinishedStage>& stages);

// For people; whatever a stage's result lacks is shown as "-".
std::string summary_text(const std::vector<FinishedStage>& stages);

}  // namespace serendip
