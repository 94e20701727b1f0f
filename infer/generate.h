// Bulk inference: the best labels of every context into the pair table.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/options.h"
#include "infer/model_options.h"
#include "transitions/mine.h"

namespace serendip {

// Section "generate".
struct GenerateOptions {
  std::string mode = "exact";
  std::string contexts = "all";
  int64_t k = 10;
  double tolerance = 1;
  int64_t batch = 64;
  double memory = 8;
  int64_t seed = 1;
  void declare(OptionSet& set);
};

// Reads run_folder/tree.h5 and sft/best (or model.path where there is none); writes table.h5. Of
// `rule`, context_size is the table's, and positive_reward says which events make the contexts that
// are observed in data.h5. Finished bands of rows are kept in run_folder/table.parts until the
// table is whole, and a second call goes on from them. Processes of a job share the bands out; rank
// 0 writes the table, and returns (the others nothing) LabelDistribution::json(), {"mode", "k"}
// and, where rows were computed, {"seconds_per_row", "tokens_per_row", "flops_per_second",
// "expansions_per_row", "expansions_p99", "seconds", "forecast_seconds"}.
nlohmann::json generate(const ModelOptions& model, const GenerateOptions& options,
                        const MiningRule& rule, const std::filesystem::path& run_folder);

}  // namespace serendip
