// Bulk inference: the best labels of every context into the pair table.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/options.h"
#include "infer/model_options.h"

namespace serendip {

// Section "generate".
struct GenerateOptions {
  std::string mode = "exact";
  int64_t k = 10;
  int64_t batch = 64;
  void declare(OptionSet& set);
};

// Reads run_folder/tree.h5 and sft/best (or model.path where there is none); writes table.h5.
// Finished bands are kept in run_folder/table.parts until the table is whole, and a second call
// goes on from them. Returns
// {"rows","mode","k","distinct_labels","entropy_bits","largest_share","seconds_per_row"}.
nlohmann::json generate(const ModelOptions& model, const GenerateOptions& options,
                        const std::filesystem::path& run_folder);

}  // namespace serendip
